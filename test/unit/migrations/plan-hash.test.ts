import { describe, expect, test } from 'vitest'
import type { ArchiveObjects } from '../../../src/migrations/archive/archive.js'
import type { MigrationState } from '../../../src/migrations/ledger/migration-state.js'
import { planHash, refuseChangedPlan, type PlanBasis } from '../../../src/migrations/plan/plan-hash.js'
import { catalogWith, historyFile, historyRow, OWN_STATE } from '../../support/migration-state.js'

const archive: ArchiveObjects = { archive: false, missedWrites: false, capture: false, trigger: false, guard: false }
const catalog = {
  ...catalogWith({ columns: ['a', 'b'] }),
  enums: new Map([
    ['MessageType', ['TEXT']],
    ['MessageSenderType', ['CLIENT']],
  ]),
}
const state: MigrationState = {
  files: [historyFile(0), historyFile(1)],
  history: { state: 'present', rows: [historyRow(0)] },
  catalog,
  own: OWN_STATE,
  partitions: undefined,
  changes: new Map(),
}
const identity = { system: '7300000000000000000', database: '16384', schema: 'public' }
const basis: PlanBasis = { command: 'migrate', identity, state, archive }
const withCatalog = (more: Partial<MigrationState['catalog']>): PlanBasis => ({
  ...basis,
  state: { ...state, catalog: { ...catalog, ...more } },
})

describe('the plan hash', () => {
  test('has 16 hexadecimal digits', () => {
    expect(planHash(basis)).toMatch(/^[0-9a-f]{16}$/)
  })

  test.for([
    [
      'a run later',
      {
        ...basis,
        state: { ...state, history: { state: 'present', rows: [{ ...historyRow(0), executedAt: new Date() }] } },
      },
    ],
    ['enums in another order', withCatalog({ enums: new Map([...catalog.enums].toReversed()) })],
    [
      'fields in another order',
      withCatalog({
        columns: catalog.columns.map(({ table, column, type, nullable, optional }) => ({
          optional,
          nullable,
          type,
          column,
          table,
        })),
      }),
    ],
    ["a table of the application's own", withCatalog({ tables: [...catalog.tables, 'Order'] })],
    ['no rollback files', { ...basis, scripts: [] }],
  ] satisfies readonly (readonly [string, PlanBasis])[])('stays the same with %s', ([, other]) => {
    expect(planHash(other)).toBe(planHash(basis))
  })

  test.for([
    ['the command', { ...basis, command: 'rollback' }],
    ['the server', { ...basis, identity: { ...identity, system: '7300000000000000001' } }],
    ['the database', { ...basis, identity: { ...identity, database: '16385' } }],
    ['the schema', { ...basis, identity: { ...identity, schema: 'crm' } }],
    ['a migration file', { ...basis, state: { ...state, files: [historyFile(0), { ...historyFile(1), hash: 'x' }] } }],
    [
      'the history',
      { ...basis, state: { ...state, history: { state: 'present', rows: [historyRow(0), historyRow(1)] } } },
    ],
    ['a missing table of its own', { ...basis, state: { ...state, own: { ...OWN_STATE, found: undefined } } }],
    ['a missing history', { ...basis, state: { ...state, history: { state: 'absent' } } }],
    ['a column', withCatalog({ columns: catalog.columns.slice(1) })],
    [
      'an index',
      withCatalog({
        indexes: [{ table: 'ChatMessage', name: 'i', unique: false, valid: true, deferrable: null, definition: 'd' }],
      }),
    ],
    ['a trigger of chatkeep', withCatalog({ triggers: [{ table: 'ChatMessage', name: 'chatkeep_capture' }] })],
    ['a constraint', withCatalog({ checks: new Map([['c', true]]) })],
    ['an archive', { ...basis, archive: { ...archive, archive: true } }],
    ['a rollback file', { ...basis, scripts: ['2_x: DROP'] }],
  ] satisfies readonly (readonly [string, PlanBasis])[])('changes with %s', ([, other]) => {
    expect(planHash(other)).not.toBe(planHash(basis))
  })
})

test.for([
  ['no plan', undefined],
  ['the same plan', 'aa'],
])('%s was approved: nothing is refused', ([, approved]) => {
  expect(() => {
    refuseChangedPlan(approved, 'aa', 'migrate')
  }).not.toThrow()
})

test('another plan than the approved one is refused', () => {
  expect(() => {
    refuseChangedPlan('bb', 'aa', 'rollback')
  }).toThrow(expect.objectContaining({ code: 'plan_changed', hint: 'see the new plan: chatkeep rollback --dry-run' }))
})
