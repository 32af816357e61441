import { describe, expect, test } from 'vitest'
import { EFFECTS } from '../../../src/migrations/ledger/effects.js'
import {
  readMigrationFiles,
  readRollbackScripts,
  shippedMigrations,
  type MigrationFile,
} from '../../../src/migrations/ledger/migration-files.js'
import { BASE_MIGRATION } from '../../../src/migrations/ledger/migration-names.js'
import { DROPPED_COLUMNS, rollbackRange } from '../../../src/migrations/ledger/rollback-range.js'
import { readDrops } from '../../../src/migrations/plan/schema-changes.js'
import { catalogWith, historyFile, historyRow, OWN_STATE } from '../../support/migration-state.js'

const file = (id: number, name: string): MigrationFile => ({ ...historyFile(id), name })
const files = [
  file(0, 'create-migrations-table'),
  file(1, 'create-chat-tables'),
  file(2, 'allow-guest-messages'),
  file(3, 'index-guest-username'),
  file(4, 'add-idempotency-key'),
  file(5, 'mark-unverified-guests'),
  file(6, 'index-unread'),
]
const COLUMNS = DROPPED_COLUMNS.map(({ column }) => column)

const range = (to: number, applied: readonly number[] = [0, 1, 2, 3, 4, 5, 6], columns: readonly string[] = COLUMNS) =>
  rollbackRange(
    {
      files,
      history: { state: 'present', rows: applied.map((id) => historyRow(id)) },
      catalog: catalogWith({ columns }),
      own: OWN_STATE,
      partitions: undefined,
      changes: new Map(),
    },
    to,
  )

describe('the range of a rollback', () => {
  test.for([
    ['everything', 1, [6, 5, 4, 3, 2], 'guestUsername guestPhone idempotencyKey guestUnverified', true],
    ['all but the guest columns', 2, [6, 5, 4, 3], 'idempotencyKey guestUnverified', false],
    ['down to the key', 4, [6, 5], 'guestUnverified', false],
    ['only an index', 5, [6], '', false],
    ['nothing', 6, [], '', false],
  ] as const)('%s', ([, to, undone, columns, needsClients]) => {
    const found = range(to)
    expect(found.files.map(({ id }) => id)).toEqual(undone)
    expect(found.columns.join(' ')).toBe(columns)
    expect({ ...found, files: undefined, columns: undefined, captureEnds: undefined }).toEqual({
      to,
      needsClients,
    })
  })

  test.for([
    [1, 'allow-guest-messages'],
    [2, 'add-idempotency-key'],
    [4, 'mark-unverified-guests'],
    [5, undefined],
  ] as const)('to %i ends the capture with the last drop of archived columns: %s', ([to, name]) => {
    expect(range(to).captureEnds).toBe(name)
  })

  test('omits columns that an interrupted rollback already dropped, and migrations that are not applied', () => {
    const found = range(1, [0, 1, 2, 3], ['guestUsername', 'guestPhone'])
    expect(found.files.map(({ id }) => id)).toEqual([3, 2])
    expect(found.columns).toEqual(['guestUsername', 'guestPhone'])
  })

  test('may be everything although the base migration has no row', () => {
    expect(range(BASE_MIGRATION, [0, 2]).files.map(({ id }) => id)).toEqual([2])
  })

  test.for([
    ['is not applied', () => range(6, [0, 1, 2]), 'migration_not_applied'],
    ['does not exist', () => range(9), 'migration_not_applied'],
    ['has unknown migrations above it', () => range(1, [0, 1, 2, 7]), 'history_mismatch'],
    [
      'has the update, but no history',
      () =>
        rollbackRange(
          {
            files,
            history: { state: 'absent' },
            catalog: catalogWith({ columns: ['idempotencyKey'] }),
            own: OWN_STATE,
            partitions: undefined,
            changes: new Map(),
          },
          1,
        ),
      'no_history',
    ],
  ] as const)('is refused when the target %s', ([, rollBack, code]) => {
    expect(rollBack).toThrow(expect.objectContaining({ code }))
  })
})

describe('the columns that a rollback drops', () => {
  test('are those that the rollback files drop', async () => {
    const all = (await readMigrationFiles(shippedMigrations())).filter(({ id }) => id > BASE_MIGRATION)
    const scripts = await readRollbackScripts(shippedMigrations(), all)
    const dropped = await Promise.all(
      scripts.map(async (script) =>
        (await readDrops([script])).columns.map((column) => ({ column, migration: script.file.name })),
      ),
    )
    expect(dropped.flat()).toEqual(expect.arrayContaining([...DROPPED_COLUMNS]))
    expect(dropped.flat()).toHaveLength(DROPPED_COLUMNS.length)
  })

  test('are columns that a migration adds', () => {
    const added = EFFECTS.flatMap(({ migration, effect }) =>
      effect.kind === 'columns' ? effect.columns.map(({ column }) => ({ column, migration })) : [],
    )
    expect(added).toEqual(expect.arrayContaining([...DROPPED_COLUMNS]))
  })
})
