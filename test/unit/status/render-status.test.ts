import { describe, expect, test } from 'vitest'
import { problemsOf } from '../../../src/status/problems.js'
import { renderLine, renderStatus, type NamedStatus } from '../../../src/status/render-status.js'
import { createRender } from '../../../src/terminal/render.js'
import { rowsOf } from '../../../src/terminal/wrap.js'
import { standby } from '../../support/replication-facts.js'
import { blocking, chat, server, session, status } from './statuses.js'

const named = (more: Parameters<typeof status>[0]): NamedStatus => {
  const read = status(more)
  return {
    ...read,
    target: 'crm on db1.internal.example.com:5432 as oncall',
    schema: 'public',
    database: 'crm',
    naming: undefined,
    problems: problemsOf(read),
  }
}

/** As much as can be wrong at the same time. */
const everything = named({
  server: {
    value: server({
      isHidden: true,
      waitingForStandby: 3,
      connections: { used: 97, allowed: 97, limitOf: 'database' },
      oldestTransaction: session({ pid: 99, transactionS: 90_000 }),
      standbys: Array.from({ length: 8 }, (_, at) => standby({ name: `standby_${at}`, lagS: 400 })),
      servers: Array.from({ length: 9 }, (_, at) => ({ address: `10.0.0.${at}`, sessions: 10 })),
      blocking: Array.from({ length: 5 }, (_, at) =>
        blocking({
          blocker: session({ pid: 4_711 + at, application: 'a nightly job with quite a long name' }),
          waiting: 40,
          waiters: [1, 2, 3].map((pid) => ({ pid, user: 'crm_app', application: `crm web ${pid}`, waitedS: 60 })),
          tables: at === 0 ? ['ChatMessage'] : [],
        }),
      ),
    }),
  },
  chat: { value: chat({ unansweredS: 4_000, unansweredTodayS: 4_000 }) },
  chatServers: [1, 2, 3].map((at) => ({
    url: `http://chat${at}.example:3000`,
    isReady: false,
    isQueueing: false,
    reason: 'database_unreachable',
    journalled: 12_000,
  })),
})

describe('a screen', () => {
  test.for([
    [80, 24],
    [40, 24],
    [40, 16],
    [60, 18],
    [200, 60],
  ] as const)('of %i x %i never scrolls, and ends with the way out', ([width, height]) => {
    const screen = renderStatus(everything, createRender(false, width, true, height))
    expect(rowsOf(screen, width)).toBeLessThan(height)
    expect(screen.startsWith('status  crm on db1.internal.example.com')).toBe(true)
    expect(screen.split('\n').at(-1)).toMatch(/SELECT pg_terminate_backend\(4711\);$/)
    expect(screen).toMatch(/^chat {6}last message 12 s ago/m)
  })

  test('has everything where there is room, and the most where there is little', () => {
    const whole = renderStatus(everything, createRender(false, 80))
    expect(whole).toContain('and 37 more')
    expect(whole.match(/^lock /gm)).toHaveLength(5)
    const small = renderStatus(everything, createRender(false, 80, true, 30))
    expect(small.match(/^lock /gm)?.length ?? 0).toBeLessThan(5)
    expect(small).toMatch(/^servers/m)
  })

  test('as one line has what is most urgent, or how the chat is', () => {
    const line = createRender(false)
    expect(renderLine(everything, line)).toBe(
      'FAIL: pid 4711 (a nightly job with quite a long name, as admin, idle in transaction for 5 min) has locked "ChatMessage" against writes and blocks 40 sessions (and 15 more). Next: end it, in psql: SELECT pg_terminate_backend(4711);',
    )
    expect(renderLine(named({}), line)).toBe(
      'ok: crm is healthy: last message 12 s ago, 3.0 a minute (yesterday 3.0, last week 3.0), 2 unread',
    )
  })
})
