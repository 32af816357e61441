import { describe, expect, test } from 'vitest'
import type { Catalog } from '../../../src/database/catalog.js'
import type { MigrationFile } from '../../../src/migrations/ledger/migration-files.js'
import { compareHistory } from '../../../src/migrations/ledger/history.js'
import { planMigrations } from '../../../src/migrations/plan/plan.js'
import { locate } from '../../../src/migrations/running/sql-error.js'

const file = (id: number, name: string): MigrationFile => ({
  id,
  name,
  fileName: `${id}_${name}.sql`,
  sql: name,
  hash: `hash-${id}`,
})
const row = (id: number, hash = `hash-${id}`) => ({ id, name: 'any', hash, executedAt: null })
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
  const catalog = (indexes: Catalog['indexes']): Catalog => ({
    tables: ['User', 'Client', 'ChatMessage'],
    columns: [],
    indexes,
    enums: new Map(),
    checks: new Map(),
    tableComments: new Map(),
    triggers: [],
    functions: [],
  })
  const only = [file(0, 'create-migrations-table'), file(1, 'one')]
  const plan = (applied: boolean, indexes: Catalog['indexes']) =>
    planMigrations(
      {
        files: only,
        history: { state: 'present', rows: applied ? [row(0), row(1)] : [row(0)] },
        catalog: catalog(indexes),
      },
      effects,
    ).steps.map(({ action, dropIndex }) => [action, dropIndex])

  test.for([
    ['missing', false, [], [['run', undefined]]],
    ['there', false, [{ ...index, valid: true }], [['record', undefined]]],
    ['INVALID', false, [{ ...index, valid: false }], [['rebuild', 'i']]],
    ['there and applied', true, [{ ...index, valid: true }], []],
    ['INVALID though applied', true, [{ ...index, valid: false }], [['repair', 'i']]],
  ] as const)('for an index that is %s', ([, applied, indexes, steps]) => {
    expect(plan(applied, indexes)).toEqual(steps)
  })

  test.for([{ unique: true }, { definition: 'btree (a DESC)' }, { table: 'Client' }])(
    'refuses the same name with another definition: %j',
    (different) => {
      expect(() => plan(false, [{ ...index, valid: true, ...different }])).toThrow('the database holds something else')
    },
  )

  test("refuses another tool's history, and one that does not agree", () => {
    const state = { files: only, catalog: catalog([]) }
    expect(() => planMigrations({ ...state, history: { state: 'foreign', columns: ['id', 'timestamp'] } })).toThrow(
      'belongs to another tool',
    )
    expect(() => planMigrations({ ...state, history: { state: 'present', rows: [row(0), row(1, 'x')] } })).toThrow(
      'does not agree',
    )
  })
})

test.for([
  ['SELECT 1', 8, 1, 8],
  ['SELECT\n  x', 10, 2, 3],
  ["SELECT '💬é',\n\ty", 15, 2, 2],
] as const)('a position in SQL is a line and a column: %j', ([sql, position, line, column]) => {
  expect(locate(sql, position)).toMatchObject({ line, column })
})
