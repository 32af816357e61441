import { describe, expect, test } from 'vitest'
import { OperatorError } from '../../../src/errors.js'
import { describeSteps, sql } from '../../../src/next-step.js'
import { problemsOf } from '../../../src/status/problems.js'
import type { Status } from '../../../src/status/read-status.js'
import { standby } from '../../support/replication-facts.js'
import { blocking, chat, server, session, status, update } from './statuses.js'

/** The problems of a status, each as `severity exit-code text | what to type`. */
const told = (more: Partial<Status>): readonly string[] =>
  problemsOf(status(more)).map(
    ({ severity, exitCode, text, next }) =>
      `${severity} ${exitCode} ${text}${next.length === 0 ? '' : ` | ${describeSteps(next)}`}`,
  )

const onServer = (more: Parameters<typeof server>[0]): Partial<Status> => ({ server: { value: server(more) } })
const inChat = (more: Parameters<typeof chat>[0]): Partial<Status> => ({ chat: { value: chat(more) } })
const waiter = (waitedS: number) => ({ pid: 18, user: 'crm', application: 'web', waitedS })
const lockedOut = {
  unknown: 'a table is locked',
  error: new OperatorError('lock_not_available', 'a lock was not free in time', { exitCode: 4, sqlState: '55P03' }),
}
const denied = {
  unknown: 'this role may not read it',
  error: new OperatorError('insufficient_privilege', 'denied', {
    ...{ exitCode: 3, sqlState: '42501', hint: sql('GRANT SELECT ON "ChatMessage" TO "oncall"') },
  }),
}
const END = '| end it, in psql: SELECT pg_terminate_backend(17);'
const HOLDER = 'pid 17 (psql, as admin, idle in transaction for 5 min)'
const exactly = (count: number) => ({ count, isCapped: false })

describe('what is wrong', () => {
  test.for<readonly [string, Partial<Status>, readonly string[]]>([
    ['nothing', {}, []],
    [
      'a table locked for long',
      onServer({ blocking: [blocking({ tables: ['ChatMessage', 'Client'], stopsReads: true })] }),
      [`error 1 ${HOLDER} has locked "ChatMessage" and "Client" ${END}`],
    ],
    [
      'a table locked a moment ago, which could not be read: told once',
      {
        ...onServer({
          blocking: [blocking({ blocker: session({ transactionS: 1 }), tables: ['ChatMessage'], stopsReads: true })],
        }),
        chat: lockedOut,
      },
      [`unknown 4 pid 17 (psql, as admin, idle in transaction for 1 s) has locked "ChatMessage" ${END}`],
    ],
    [
      'a lock of somebody else on a row, for a moment and for long',
      onServer({ blocking: [blocking({ waiting: 1, waiters: [waiter(4)] })] }),
      [],
    ],
    [
      'the same for long',
      onServer({ blocking: [blocking({ waiting: 2, waiters: [waiter(5)] })] }),
      [`warning 0 ${HOLDER} blocks 2 sessions ${END}`],
    ],
    [
      'a lock of autovacuum, which is not ended',
      onServer({
        blocking: [blocking({ blocker: session({ application: 'autovacuum worker' }), tables: ['Client'] })],
      }),
      [
        'error 1 autovacuum (pid 17, running for 5 min) has locked "Client" against writes | wait: it gives way by itself',
      ],
    ],
    [
      'a lock whose holder nobody sees, and what a role may not read',
      { chat: lockedOut, update: denied },
      [
        'unknown 4 the messages could not be read: a table is locked',
        'unknown 3 the state of the update could not be read: this role may not read it | in psql: GRANT SELECT ON "ChatMessage" TO "oncall";',
      ],
    ],
    [
      'what a role may not read: told once',
      { chat: denied, update: denied },
      [
        'unknown 3 the messages and the state of the update could not be read: this role may not read it | in psql: GRANT SELECT ON "ChatMessage" TO "oncall";',
      ],
    ],
    [
      'commits that wait for a standby that is there',
      onServer({ waitingForStandby: 2, standbyNames: 'dr', standbys: [standby({ isSynchronous: true, lagS: 3 })] }),
      [
        'warning 0 2 commits wait for a synchronous standby | see what it is slow at, in psql: SELECT * FROM pg_stat_replication;',
      ],
    ],
    [
      'commits that wait for two standbys, of which one is there',
      onServer({ waitingForStandby: 1, standbyNames: '2 (dr, b)', standbys: [standby({ isSynchronous: true })] }),
      [
        expect.stringMatching(
          /^error 1 1 commit waits for a synchronous standby, and only 1 of 2 is connected \|/,
        ) as string,
      ],
    ],
    [
      'commits that wait for a standby which this role may not see',
      onServer({ waitingForStandby: 1, standbyNames: 'dr', standbys: [standby({ syncState: null })] }),
      [expect.stringMatching(/^warning 0 1 commit waits for a synchronous standby \|/) as string],
    ],
    [
      'connections of the server, with those reserved for superusers left out',
      onServer({ connections: { used: 88, allowed: 97, limitOf: 'server' } }),
      [expect.stringMatching(/^warning 0 88 of 97 connections are in use \|/) as string],
    ],
    ['a quiet chat at a quiet hour', inChat({ recent: exactly(0), lastWeek: exactly(29) }), []],
    [
      'a quiet chat at a busy hour',
      inChat({ recent: exactly(0), lastMessageS: 1_500, lastWeek: exactly(30) }),
      [
        'warning 0 no message for 25 min, where there are usually 0.5 a minute | look at the chat servers: /readyz, and their logs',
      ],
    ],
    ['an answer that is late since last month', inChat({ unansweredS: 3e6 }), []],
    [
      'a standby without its primary',
      onServer({ isStandby: true, behindS: 0, isDetached: true }),
      ['warning 0 this standby has lost its primary | start the primary, or promote this standby'],
    ],
    [
      'a prepared transaction that was forgotten',
      onServer({
        oldestTransaction: session({ pid: 0, application: "prepared transaction 'x'", state: null, transactionS: 9e5 }),
      }),
      [
        "warning 0 prepared transaction 'x' (as admin, for 10 days) holds back vacuum and migrate | end it, in psql: ROLLBACK PREPARED 'x';",
      ],
    ],
  ])('%s', ([, given, expected]) => {
    expect(told(given)).toEqual(expected)
  })

  test('is told by urgency: what stops messages, what is unknown, what is only slow', () => {
    const found = {
      check: 'c',
      code: 'index_missing',
      object: 'index',
      expected: '',
      actual: 'absent',
      help: 'x',
      sample: [],
    }
    const severities = problemsOf(
      status({
        ...onServer({
          blocking: [blocking({ waiting: 1, waiters: [waiter(60)] })],
          connections: { used: 97, allowed: 97, limitOf: 'server' },
        }),
        chat: denied,
        update: {
          value: update({
            ok: false,
            findings: [{ ...found, severity: 'error' }],
            summary: { checks: 34, errors: 1, warnings: 0, notes: 0, unknown: 0 },
          }),
        },
      }),
    ).map(({ severity, text }) => `${severity}: ${text.replace(/ \(.*| could.*|:.*/, '')}`)
    expect(severities).toEqual([
      'error: verify finds 1 error',
      'unknown: the messages',
      'warning: pid 17',
      'warning: 97 of 97 connections are in use',
    ])
  })
})
