import { describe, expect, test } from 'vitest'
import { describeEvent } from '../../../src/migrations/running/describe-event.js'
import type { Blocker } from '../../../src/database/blockers.js'
import type { MigrationEvent } from '../../../src/migrations/running/events.js'
import { reportBatches } from '../../../src/migrations/running/batch-progress.js'
import { until } from '../../support/until.js'

const blocker = (more: Partial<Blocker> = {}): Blocker => ({
  pid: 17,
  user: 'reports',
  application: 'nightly',
  state: 'active',
  since: '2026-11-22T10:00:00Z',
  transactionS: 95,
  query: null,
  ...more,
})

const statement = 'CREATE INDEX CONCURRENTLY "i" ON "t"'

const EVENTS: readonly (readonly [MigrationEvent, string])[] = [
  [{ type: 'note', text: 'archiving guest data' }, 'archiving guest data'],
  [{ type: 'done', migration: '2_x', action: 'applied', durationMs: 12 }, 'applied  2_x  12 ms'],
  [
    { type: 'waiting', what: 'the migration lock', statement: null, elapsedMs: 200, blockers: [blocker()] },
    'waiting for the migration lock: blocked by pid 17 (nightly, as reports, active, in a transaction for 95 s)',
  ],
  [
    {
      type: 'waiting',
      what: '"t"',
      statement,
      elapsedMs: 3_210,
      blockers: [blocker({ state: 'idle in transaction' })],
    },
    'waiting 3.2 s for "t": blocked by pid 17 (nightly, as reports, idle in transaction for 95 s). To end it: SELECT pg_terminate_backend(17);',
  ],
  [
    { type: 'waiting', what: '"t"', statement, elapsedMs: 3_210, blockers: [] },
    'waiting 3.2 s for "t": the lock was just released',
  ],
  [
    {
      type: 'waiting',
      what: '"t"',
      statement,
      elapsedMs: 3_210,
      blockers: [blocker({ application: 'autovacuum worker', user: null })],
    },
    'waiting 3.2 s for "t": blocked by autovacuum (pid 17, running for 95 s)',
  ],
  [
    { type: 'replicating', statement, elapsedMs: 3_210, standbyNames: 's1', attached: ['s1', 's2'] },
    'waiting 3.2 s for the synchronous standby s1; Ctrl-C ends the wait',
  ],
  [
    { type: 'replicating', statement, elapsedMs: 0, standbyNames: '"s-1"', attached: ['s2'] },
    'waiting for the synchronous standby s-1, which is not attached; Ctrl-C ends the wait',
  ],
  [
    { type: 'replicating', statement, elapsedMs: 0, standbyNames: 'FIRST 1 ("S 1")', attached: ['s 1'] },
    'waiting for the synchronous standby s 1; Ctrl-C ends the wait',
  ],
  [
    { type: 'replicating', statement, elapsedMs: 0, standbyNames: '*', attached: [] },
    'waiting for a synchronous standby of *: none is attached; Ctrl-C ends the wait',
  ],
  [
    { type: 'replicating', statement, elapsedMs: 0, standbyNames: 'ANY 1 (s1, s2)', attached: ['s2'] },
    'waiting for a synchronous standby of ANY 1 (s1, s2): attached are s2; Ctrl-C ends the wait',
  ],
  [
    {
      type: 'lagging',
      standbys: [
        { name: 's1', lagS: 34 },
        { name: 's2', lagS: null },
      ],
      maxLagMs: 10_000,
      elapsedMs: 3_210,
    },
    'waiting 3.2 s for standbys to be less than 10 s behind: s1 is 34 s behind, s2 is catching up',
  ],
  [
    {
      type: 'retrying',
      what: '"t"',
      attempt: 3,
      elapsedMs: 5_000,
      maxWaitMs: 30_000,
      blockers: [
        blocker({ application: '', user: null, state: null, transactionS: null }),
        blocker({ pid: 0, application: "prepared transaction 'stuck'", state: null }),
      ],
    },
    "waiting 5.0 s of 30 s for \"t\" (attempt 3): blocked by pid 17 (state hidden from this role); prepared transaction 'stuck' (as reports, for 95 s). To end it: SELECT pg_terminate_backend(17); ROLLBACK PREPARED 'stuck';",
  ],
  [
    {
      type: 'waiting',
      what: '"t"',
      statement,
      elapsedMs: 1_000,
      blockers: [1, 2, 3, 4, 5].map((pid) => blocker({ pid, query: pid === 1 ? 'SELECT\n  1' : null })),
    },
    'waiting 1.0 s for "t": blocked by pid 1 (nightly, as reports, active, in a transaction for 95 s, query: SELECT 1); pid 2 (nightly, as reports, active, in a transaction for 95 s); pid 3 (nightly, as reports, active, in a transaction for 95 s); and 2 more. To end it: SELECT pg_terminate_backend(1); SELECT pg_terminate_backend(2); SELECT pg_terminate_backend(3); SELECT pg_terminate_backend(4); SELECT pg_terminate_backend(5);',
  ],
  [
    {
      type: 'building',
      statement,
      phase: 'building index: scanning table',
      percent: 35,
      etaMs: 3_100,
      elapsedMs: 2_600,
    },
    `building index: scanning table 35 %, 4 s left in this phase (2.6 s in total)  ${statement}`,
  ],
  [
    { type: 'building', statement, phase: 'initializing', percent: null, etaMs: null, elapsedMs: 2_600 },
    `initializing (2.6 s in total)  ${statement}`,
  ],
  [{ type: 'batches', what: 'putting back', percent: 45, elapsedMs: 3_000 }, 'putting back: 45 % (3.0 s)'],
  [{ type: 'running', statement, elapsedMs: 65_000 }, `running ${statement} (65.0 s)`],
]

describe('what happens during a migrate', () => {
  test.for(EVENTS)('is said in words: %o', ([event, text]) => {
    expect(describeEvent(event).text).toBe(text)
  })

  test('is a change when another session blocks, but not when only time has passed', () => {
    const keyOf = (event: MigrationEvent): string => describeEvent(event).key
    const waiting = { type: 'waiting', what: '"t"', statement, elapsedMs: 100, blockers: [blocker()] } as const
    const { type: _type, statement: _statement, ...same } = waiting
    expect(keyOf({ ...waiting, elapsedMs: 900 })).toBe(keyOf(waiting))
    expect(keyOf({ ...same, type: 'retrying', attempt: 1, maxWaitMs: 1 })).toBe(keyOf(waiting))
    expect(keyOf({ ...waiting, blockers: [blocker({ pid: 18 })] })).not.toBe(keyOf(waiting))
  })

  test('in batches is reported once it takes a while, and never beyond its end', async () => {
    const events: MigrationEvent[] = []
    const tell = reportBatches('archiving', 200, (event) => events.push(event))
    tell(10)
    expect(events).toEqual([])
    const isTold = (): boolean => {
      tell(250)
      return events.length === 1
    }
    await until(isTold, { what: 'the batches are reported' })
    expect(events[0]).toMatchObject({ type: 'batches', what: 'archiving', percent: 100 })
  })
})
