import { describeEvent } from '../../../../src/migrations/running/describe-event.js'
import type { Blocker } from '../../../../src/database/blockers.js'
import type { MigrationEvent } from '../../../../src/migrations/running/events.js'
import { wrapText } from '../../../../src/terminal/wrap.js'
import type { Generated } from './index.js'

const blocker = (facts: Pick<Blocker, 'pid' | 'application' | 'state' | 'transactionS'>): Blocker => ({
  user: 'reports',
  since: null,
  query: null,
  ...facts,
})

const EVENTS: readonly MigrationEvent[] = [
  {
    type: 'retrying',
    what: '"ChatMessage"',
    attempt: 5,
    elapsedMs: 5_000,
    maxWaitMs: 30_000,
    blockers: [blocker({ pid: 4_214, application: 'report-job', state: 'idle in transaction', transactionS: 7 })],
  },
  {
    type: 'waiting',
    what: 'older transactions to end',
    statement: null,
    elapsedMs: 12_300,
    blockers: [blocker({ pid: 4_711, application: 'nightly-export', state: 'active', transactionS: 95 })],
  },
  {
    type: 'building',
    statement: 'CREATE INDEX CONCURRENTLY "ChatMessage_guestUsername…',
    phase: 'building index: scanning table',
    percent: 35,
    etaMs: 3_100,
    elapsedMs: 2_600,
  },
]

const WIDTH = 150

/** What a migrate that waits shows: a screen that no test can bring about at will, made of fixed events. */
export const waitingLines: Generated = {
  path: 'docs/migrate-and-rollback.md',
  section: 'waiting',
  render: () => `\`\`\`text\n${EVENTS.map((event) => wrapText(describeEvent(event).text, WIDTH)).join('\n')}\n\`\`\``,
}
