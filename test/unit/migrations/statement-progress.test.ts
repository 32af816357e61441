import { describe, expect, test } from 'vitest'
import type { MigrationEvent } from '../../../src/migrations/running/events.js'
import { backoffMs } from '../../../src/database/waiting/lock-attempts.js'
import {
  createStatementProgress,
  phaseProgress,
  statementName,
} from '../../../src/database/waiting/statement-progress.js'

test.for([
  [1, 200],
  [2, 400],
  [4, 1_600],
  [5, 3_000],
  [60, 3_000],
] as const)('after attempt %i the pause is %i ms before jitter', ([attempt, ms]) => {
  expect(backoffMs(attempt)).toBe(ms)
})

test.for([
  ['unknown', null, 10, 5_000, null, null],
  ['of unknown size', 5, null, 5_000, null, null],
  ['of nothing', 0, 0, 5_000, null, null],
  ['too little for a rate', 1, 100, 5_000, 1, null],
  ['too early for a rate', 50, 100, 500, 50, null],
  ['a quarter', 25, 100, 5_000, 25, 15_000],
  ['all', 100, 100, 5_000, 100, 0],
  ['more than the server expected', 120, 100, 5_000, 100, 0],
] as const)('progress of a phase: %s', ([, done, total, phaseMs, percent, etaMs]) => {
  expect(phaseProgress(done, total, phaseMs)).toEqual({ percent, etaMs })
})

test.for([
  ['-- why\nCREATE INDEX  "i"\n  ON "t" (a) -- and how', 'CREATE INDEX "i" ON "t" (a)'],
  ['x'.repeat(100), 'x'.repeat(100)],
  ['x'.repeat(101), `${'x'.repeat(99)}…`],
] as const)('the name of a statement: %j', ([sql, name]) => {
  expect(statementName(sql)).toBe(name)
})

describe('a snapshot of a statement', () => {
  const blocker = {
    pid: 1,
    user: null,
    application: null,
    state: null,
    since: null,
    transactionS: null,
    query: null,
  }
  const idle = { blockers: [], relation: null, phase: null, done: null, total: null, standbyNames: null, attached: [] }

  test.for([
    ['with a blocked table', '"t"', '"t"'],
    ['that waits for transactions', null, 'older transactions to end'],
  ])('%s is reported as waiting, and remembered for the error', ([, relation, what]) => {
    const events: MigrationEvent[] = []
    const progress = createStatementProgress('ALTER TABLE "t"', (event) => events.push(event))
    expect(progress.blockage).toBeUndefined()
    progress.report({ ...idle, relation: relation ?? null, blockers: [blocker] })
    expect(events).toMatchObject([{ type: 'waiting', statement: 'ALTER TABLE "t"', what, blockers: [blocker] }])
    expect(progress.blockage).toEqual({ what, blockers: [blocker] })
  })

  test('reports from the beginning that its commit waits for a standby, and for how long', () => {
    const events: MigrationEvent[] = []
    const progress = createStatementProgress('COMMIT', (event) => events.push(event))
    progress.report({ ...idle, standbyNames: 's1', attached: ['s2'] })
    expect(events).toEqual([
      { type: 'replicating', statement: 'COMMIT', elapsedMs: 0, standbyNames: 's1', attached: ['s2'] },
    ])
  })

  test('says nothing of a statement that has just begun', () => {
    const events: MigrationEvent[] = []
    createStatementProgress('SELECT 1', (event) => events.push(event)).report({ ...idle, phase: 'initializing' })
    expect(events).toEqual([])
  })
})
