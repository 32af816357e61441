import type { Blocker } from '../../../src/database/blockers.js'
import type { BlockingSession } from '../../../src/database/waiting/blocking-sessions.js'
import type { ChatActivity } from '../../../src/status/chat-activity.js'
import type { Status } from '../../../src/status/read-status.js'
import type { ServerActivity } from '../../../src/status/server-activity.js'
import type { VerifyReport } from '../../../src/verify/verify-report.js'

const exactly = (count: number) => ({ count, isCapped: false })

export const chat = (more: Partial<ChatActivity> = {}): ChatActivity => ({
  lastMessageS: 12,
  recent: exactly(30),
  yesterday: exactly(180),
  lastWeek: exactly(180),
  unread: exactly(2),
  unansweredS: null,
  unansweredTodayS: null,
  isUnansweredCapped: false,
  ...more,
})

export const server = (
  more: Partial<ServerActivity & { readonly blocking: readonly BlockingSession[] }> = {},
): ServerActivity & { readonly blocking: readonly BlockingSession[] } => ({
  now: new Date('2026-11-28T03:00:00Z'),
  version: '18.4',
  isStandby: false,
  behindS: null,
  isDetached: false,
  standbys: [],
  standbyNames: '',
  connections: { used: 12, allowed: 97, limitOf: 'server' },
  oldestTransaction: null,
  waitingForStandby: 0,
  servers: [],
  isHidden: false,
  blocking: [],
  ...more,
})

export const update = (more: Partial<VerifyReport> = {}): VerifyReport => ({
  ok: true,
  schema: 'public',
  serverVersion: '18.4',
  standby: { isStandby: false, behindS: null, isDetached: false },
  survival: { level: 'server-crash', text: '' },
  columns: [],
  checks: [],
  skipped: [],
  findings: [],
  next: null,
  summary: { checks: 34, errors: 0, warnings: 0, notes: 0, unknown: 0 },
  durationMs: 40,
  ...more,
})

export const status = (more: Partial<Status> = {}): Status => ({
  at: new Date('2026-11-28T03:00:00Z'),
  unreachable: undefined,
  server: { value: server() },
  chat: { value: chat() },
  update: { value: update() },
  chatServers: [],
  ...more,
})

export const session = (more: Partial<Blocker> = {}): Blocker => ({
  pid: 17,
  user: 'admin',
  application: 'psql',
  state: 'idle in transaction',
  since: '2026-11-28T02:00:00Z',
  transactionS: 312,
  query: null,
  ...more,
})

export const blocking = (more: Partial<BlockingSession> = {}): BlockingSession => ({
  blocker: session(),
  waiting: 0,
  waiters: [],
  tables: [],
  stopsReads: false,
  rowsOf: [],
  ...more,
})
