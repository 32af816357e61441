import { describe, expect, test } from 'vitest'
import type { Catalog } from '../../../src/database/catalog.js'
import { compareHistory } from '../../../src/migrations/ledger/history.js'
import { isWithin, planMigrations, type MigrationPlan } from '../../../src/migrations/plan/plan.js'
import { locate } from '../../../src/migrations/source/source-place.js'
import { catalogWith, historyFile as file, historyRow as row, OWN_STATE as own } from '../../support/migration-state.js'

const files = [file(0, 'create-migrations-table'), file(1, 'one'), file(2, 'two'), file(3, 'three')]

describe('comparing files and history', () => {
  test.for([
    ['nothing applied', [], 'pending pending pending'],
    ['all applied', [row(0), row(1), row(2), row(3)], 'applied applied applied'],
    ['one to come', [row(0), row(1), row(2)], 'applied applied pending'],
    ['one changed', [row(0), row(1, 'other'), row(2)], 'changed applied pending'],
    ['one skipped', [row(0), row(1), row(3)], 'applied gap applied'],
    ['one without file', [row(0), row(1), row(2), row(3), row(4)], 'applied applied applied unknown'],
  ] as const)('%s', ([, rows, states]) => {
    expect(
      compareHistory(files, rows)
        .map(({ state }) => state)
        .join(' '),
    ).toBe(states)
  })
})

describe('the plan', () => {
  const index = { table: 'ChatMessage', name: 'i', unique: false, definition: 'btree (a)' }
  const effects = [{ migration: 'one', effect: { kind: 'index', index } }] as const
  const only = [file(0, 'create-migrations-table'), file(1, 'one')]
  const plan = (applied: boolean, indexes: Catalog['indexes']) =>
    planMigrations(
      {
        files: only,
        history: { state: 'present', rows: applied ? [row(0), row(1)] : [row(0)] },
        catalog: catalogWith({ indexes }),
        own,
        partitions: undefined,
        changes: new Map(),
      },
      effects,
    ).steps.map(({ action, dropIndex }) => [action, dropIndex])

  test.for([
    ['missing', false, [], [['run', undefined]]],
    ['there', false, [{ ...index, valid: true, deferrable: null }], [['record', undefined]]],
    ['INVALID', false, [{ ...index, valid: false, deferrable: null }], [['rebuild', 'i']]],
    ['there and applied', true, [{ ...index, valid: true, deferrable: null }], []],
    ['INVALID though applied', true, [{ ...index, valid: false, deferrable: null }], [['repair', 'i']]],
  ] as const)('for an index that is %s', ([, applied, indexes, steps]) => {
    expect(plan(applied, indexes)).toEqual(steps)
  })

  test.for([{ unique: true }, { definition: 'btree (a DESC)' }, { table: 'Client' }])(
    'refuses the same name with another definition: %j',
    (different) => {
      expect(() => plan(false, [{ ...index, valid: true, deferrable: null, ...different }])).toThrow(
        'the database has a different object',
      )
    },
  )

  test('refuses a history that does not agree', () => {
    const state = { files: only, catalog: catalogWith({}), own, partitions: undefined, changes: new Map() }
    expect(() => planMigrations({ ...state, history: { state: 'present', rows: [row(0), row(1, 'x')] } })).toThrow(
      'does not match',
    )
  })
})

describe('an approved plan', () => {
  const run = { file: file(1, 'one'), action: 'run', reason: '' } as const
  const record = { file: file(2, 'two'), action: 'record', reason: 'already in the database' } as const
  const planOf = (...steps: MigrationPlan['steps']): MigrationPlan => ({ own: [], steps, done: 0 })

  test.for([
    ['the same', planOf(run, record), true],
    ['a part of it, the rest done meanwhile', planOf(record), true],
    ['nothing left', planOf(), true],
    ['a further step', planOf(run, record, { ...run, file: file(3, 'three') }), false],
    ['another action', planOf({ ...run, action: 'record' }), false],
    ['another reason', planOf({ ...record, reason: '' }), false],
    ['another file', planOf({ ...run, file: { ...run.file, hash: 'x' } }), false],
  ] as const)('covers %s: %#', ([, plan, expected]) => {
    expect(isWithin(plan, planOf(run, record))).toBe(expected)
  })
})

test.for([
  ['SELECT 1', 8, 1, 8],
  ['SELECT\n  x', 10, 2, 3],
  ["SELECT '💬é',\n\ty", 15, 2, 2],
] as const)('a position in SQL is a line and a column: %j', ([sql, position, line, column]) => {
  expect(locate(sql, position)).toMatchObject({ line, column })
})
