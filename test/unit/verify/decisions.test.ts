import { describe, expect, test } from 'vitest'
import type { Catalog } from '../../../src/database/catalog.js'
import { EFFECTS, type Effect } from '../../../src/migrations/ledger/effects.js'
import type { MigrationStatus } from '../../../src/migrations/ledger/history.js'
import { CLIENT_ID } from '../../../src/persistence/shape.js'
import { doubledKeys } from '../../../src/verify/checks/rows/doubled-keys.js'
import { durability } from '../../../src/verify/checks/server/durability.js'
import { describeSteps } from '../../../src/next-step.js'
import { ALONE } from '../../support/replication-facts.js'
import { OWN_STATE } from '../../support/migration-state.js'
import type { Facts } from '../../../src/verify/facts/facts.js'
import { guestUpdateUndone } from '../../../src/verify/checks/rollback/guest-update-undone.js'
import { guestUpdate } from '../../../src/verify/checks/schema/guest-update.js'
import { compareGuestColumns } from '../../../src/verify/facts/guest-columns.js'
import { migrationHistory } from '../../../src/verify/checks/history/migration-history.js'

const effects = EFFECTS.map(({ effect }) => effect)
const indexes = effects.flatMap((effect) => (effect.kind === 'index' ? [effect.index] : []))

/** Everything that the migrations make is there. */
const migratedCatalog: Catalog = {
  tables: ['ChatMessage', 'Client', 'User'],
  partitioned: [],
  columns: effects
    .flatMap((effect) => (effect.kind === 'columns' ? effect.columns : []))
    .map(({ table, column, types, nullable }) => ({ table, column, type: types[0] ?? '', nullable, optional: false })),
  indexes: indexes.map((index) => ({ ...index, valid: true, deferrable: null })),
  enums: new Map(),
  checks: new Map(),
  triggers: [],
}

const statuses = (state: MigrationStatus['state']): readonly MigrationStatus[] =>
  EFFECTS.map(({ migration }, index) => ({ id: index + 1, name: migration, state, executedAt: null }))

const facts = (changes: Partial<Facts>): Facts => ({
  expectation: 'migrated',
  database: 'crm',
  schema: 'public',
  catalog: migratedCatalog,
  history: { state: 'present', rows: [] },
  own: OWN_STATE,
  migrations: statuses('applied'),
  guestColumns: [],
  files: [],
  changes: new Map(),
  server: {
    serverVersion: '18.4',
    fsync: { value: 'on', source: 'default' },
    synchronousCommit: { value: 'on', source: 'default' },
    fullPageWrites: { value: 'on', source: 'default' },
    timeZone: { value: 'UTC', isUtc: true },
    commitSettings: [],
    user: 'postgres',
    encoding: 'UTF8',
    schemaExists: true,
    unloggedTables: [],
    ownTriggers: [],
    runningChanges: [],
    replication: ALONE,
  },
  unidentified: [],
  guestBarriers: [],
  integrity: {
    defaults: [],
    brokenIndexes: [],
    doubtfulConstraints: [],
    clientReferenced: true,
    foreignKeys: [],
    primaryKeys: [],
    rules: [],
    insertTriggers: [],
    sequences: [],
  },
  applicationRole: undefined,
  ...changes,
})

/** The indexes of the application's tables are gone; chatkeep's own tables are whole. */
const withoutIndexes: Catalog = {
  ...migratedCatalog,
  indexes: migratedCatalog.indexes.filter(({ table }) => table !== 'ChatMessage'),
}

describe('what a pending migration would bring', () => {
  const codes = (changes: Partial<Facts>) => guestUpdate.findings(facts(changes)).map(({ code }) => code)

  test('is not reported as missing a second time', () => {
    expect(codes({ catalog: withoutIndexes, migrations: statuses('pending') })).toEqual([])
    expect(migrationHistory.findings(facts({ migrations: statuses('pending') }))).toHaveLength(1)
  })

  test('is reported where the history says that it was there, or says nothing sound', () => {
    const missing = effects.flatMap((effect) =>
      effect.kind === 'index' && effect.index.table === 'ChatMessage' ? ['index_missing'] : [],
    )
    expect(codes({ catalog: withoutIndexes })).toEqual(missing)
    expect(codes({ catalog: withoutIndexes, migrations: statuses('gap') })).toEqual(missing)
    expect(codes({ catalog: withoutIndexes, migrations: [] })).toEqual(missing)
  })

  test('is reported where a part of it is there', () => {
    const half = {
      ...migratedCatalog,
      columns: migratedCatalog.columns.filter(({ column }) => column !== 'guestPhone'),
    }
    expect(codes({ catalog: half, migrations: statuses('pending') })).toEqual(['column_missing'])
  })

  test('is not asked of tables that are gone', () => {
    expect(codes({ catalog: { ...migratedCatalog, tables: [], columns: [], indexes: [] } })).toEqual([])
  })
})

/** How many things a rollback has to take away. */
const sizeOf = (effect: Effect): number => {
  switch (effect.kind) {
    case 'tables':
      return 0
    case 'index':
      return 1
    case 'columns':
      return effect.columns.length
  }
}

describe('what a rollback leaves', () => {
  test('is reported once while the history still has it, and else thing by thing', () => {
    expect(guestUpdateUndone.findings(facts({}))).toEqual([])
    const added = effects.reduce((sum, effect) => sum + sizeOf(effect), 0)
    expect(guestUpdateUndone.findings(facts({ migrations: statuses('pending') }))).toHaveLength(added)
  })
})

describe('the table of the guide', () => {
  const row = (column_name: string, data_type: string, is_nullable: string) => ({ column_name, data_type, is_nullable })

  test.for([
    ['migrated', row('clientId', 'integer', 'YES'), 'integer YES', true],
    ['migrated', row('clientId', 'bigint', 'YES'), 'bigint YES', true],
    ['migrated', row('clientId', 'integer', 'NO'), 'integer YES', false],
    ['migrated', row('clientId', 'text', 'YES'), 'integer YES', false],
    ['migrated', row('guestPhone', 'character varying', 'YES'), 'text YES', false],
    ['rolled-back', row('clientId', 'integer', 'NO'), 'integer NO', true],
    ['rolled-back', row('clientId', 'integer', 'YES'), 'integer NO', false],
    ['rolled-back', row('guestPhone', 'text', 'YES'), 'absent', false],
  ] as const)('%s: %o', ([expectation, reported, expected, ok]) => {
    const columns = compareGuestColumns([reported], expectation)
    expect(columns.map(({ column_name }) => column_name)).toEqual(['clientId', 'guestUsername', 'guestPhone'])
    expect(columns.find(({ column_name }) => column_name === reported.column_name)).toMatchObject({ expected, ok })
  })

  test('misses what is not there, unless it should not be', () => {
    expect(compareGuestColumns([], 'migrated').map(({ ok }) => ok)).toEqual([false, false, false])
    expect(compareGuestColumns([], 'rolled-back').map(({ ok }) => ok)).toEqual([false, true, true])
    expect(compareGuestColumns([], 'migrated')[0]).toMatchObject({ column_name: CLIENT_ID.column, data_type: null })
  })
})

describe('keys with more than one message', () => {
  const keyColumns = ['id', 'idempotencyKey'].map((column) => {
    return { table: 'ChatMessage', column, type: 'text', nullable: true, optional: false }
  })
  const question = (catalog: Catalog) => doubledKeys.query(facts({ catalog: { ...catalog, columns: keyColumns } }))

  test('are looked for only where no unique index answers: that reads the whole table', () => {
    expect(question(migratedCatalog)).toBeUndefined()
    expect(question(withoutIndexes)).toContain('GROUP BY "idempotencyKey"')
    const invalid = migratedCatalog.indexes.map((index) => ({ ...index, valid: false, deferrable: null }))
    expect(question({ ...migratedCatalog, indexes: invalid })).toContain('GROUP BY "idempotencyKey"')
  })
})

describe('durability', () => {
  const findings = (fsync: string, synchronousCommit: string, source = 'configuration file', fullPageWrites = 'on') =>
    durability.findings(
      facts({
        server: {
          ...facts({}).server,
          fsync: { value: fsync, source },
          synchronousCommit: { value: synchronousCommit, source },
          fullPageWrites: { value: fullPageWrites, source },
        },
      }),
    )

  test.for([
    ['on', 'on', []],
    ['on', 'remote_apply', []],
    ['on', 'local', []],
    ['off', 'on', ['fsync_off']],
    ['on', 'off', ['synchronous_commit_off']],
    ['off', 'off', ['fsync_off', 'synchronous_commit_off']],
  ] as const)('is a matter of warnings: fsync %s, synchronous_commit %s', ([fsync, synchronousCommit, codes]) => {
    const found = findings(fsync, synchronousCommit)
    expect(found.map(({ code }) => code)).toEqual(codes)
    expect(found.every(({ severity }) => severity === 'warning')).toBe(true)
  })

  test.for([
    ['database', 'in psql: ALTER DATABASE "crm" RESET synchronous_commit;'],
    ['user', 'in psql: ALTER ROLE "postgres" RESET synchronous_commit;'],
    ['database user', 'in psql: ALTER ROLE "postgres" IN DATABASE "crm" RESET synchronous_commit;'],
    ['command line', "remove synchronous_commit from the server's command line and restart it"],
    ['configuration file', 'in psql: ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf();'],
  ] as const)('is switched on where it was switched off: %s', ([source, help]) => {
    expect(findings('on', 'off', source).map((found) => describeSteps(found.help))).toEqual([help])
  })

  test('is a matter of whole pages, too', () => {
    expect(findings('on', 'on', 'configuration file', 'off')).toMatchObject([
      {
        code: 'full_page_writes_off',
        severity: 'warning',
        help: { text: 'ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();' },
      },
    ])
  })
})
