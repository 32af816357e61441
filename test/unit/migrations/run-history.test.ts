import { describe, expect, test } from 'vitest'
import { groupRuns, type RunRow } from '../../../src/migrations/run-history.js'

const row = (action: string, detail: RunRow['detail'] = {}, more: Partial<RunRow> = {}): RunRow => ({
  at: new Date('2026-11-22T10:00:00Z'),
  action,
  migration: null,
  durationMs: 5,
  detail,
  role: 'owner',
  version: '1.0.0',
  isRunning: false,
  ...more,
})
const run = 'chatkeep migrate 5f0c2a91'

describe('rows of the history', () => {
  test('of one run are one run, also between those of another', () => {
    const other = 'chatkeep rollback 00000000'
    const runs = groupRuns([
      row('migrate begun', { run, planHash: 'abc' }),
      row('rollback begun', { run: other }),
      row('apply', { run }, { migration: '1_x' }),
      row('migrate', { run, outcome: 'done' }, { durationMs: 90 }),
    ])
    expect(
      runs.map(({ command, planHash, durationMs, steps }) => [command, planHash, durationMs, steps.length]),
    ).toEqual([
      ['migrate', 'abc', 90, 1],
      ['rollback', null, null, 0],
    ])
    expect(runs[0]?.steps).toMatchObject([{ action: 'apply', migration: '1_x', durationMs: 5 }])
  })

  test('without a run, from an older version, are a run each', () => {
    expect(groupRuns([row('apply'), row('apply'), row('roll back')]).map(({ command }) => command)).toEqual([
      'migrate',
      'migrate',
      'rollback',
    ])
  })

  test('are none where nothing was recorded', () => {
    expect(groupRuns([])).toEqual([])
  })
})

test.for([
  ['done', [row('migrate begun', { run }), row('migrate', { run, outcome: 'done' })]],
  ['failed', [row('migrate begun', { run }), row('migrate', { run, outcome: 'failed' })]],
  ['interrupted', [row('rollback begun', { run }), row('rollback', { run, outcome: 'interrupted' })]],
  ['running', [row('migrate begun', { run }, { isRunning: true }), row('apply', { run }, { isRunning: true })]],
  ['cut', [row('migrate begun', { run }), row('apply', { run })]],
  ['done', [row('apply')]],
  ['done', [row('apply', { run: 'chatkeep migrate --sql abc', by: 'migrate --sql' })]],
  ['failed', [row('migrate', { run, outcome: 'of a later version' })]],
] as const)('a run is %s', ([outcome, rows]) => {
  expect(groupRuns(rows).map((found) => found.outcome)).toEqual([outcome])
})
