import { describe, expect, test } from 'vitest'
import type { FoundSchema, OwnState } from '../../../src/migrations/own/own-state.js'
import { ownConflicts } from '../../../src/migrations/own/own-conflicts.js'
import { ownStatements } from '../../../src/migrations/own/own-statements.js'
import { OWN_TABLES } from '../../../src/migrations/own/own-tables.js'
import { OWN_FOUND as found, OWN_STATE } from '../../support/migration-state.js'

/** The state with one of its tables changed. */
const withTable = (name: string, change: Partial<FoundSchema['tables'][number]>): OwnState => ({
  ...OWN_STATE,
  found: { ...found, tables: found.tables.map((table) => (table.name === name ? { ...table, ...change } : table)) },
})

const heads = (own: OwnState): readonly string[] => ownStatements(own).map((sql) => sql.split(/\s*\(\n?/)[0] ?? '')

const CHANGED = OWN_TABLES.find(({ name }) => name === 'changed_messages')?.columns ?? []

const LIFECYCLE = ['client_aliases', 'merged_clients', 'moved_messages', 'changed_messages', 'wanted_clients']
const LIFECYCLE_GRANTS = [
  'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "chatkeep"."client_aliases" TO app',
  'GRANT SELECT, INSERT, UPDATE ON TABLE "chatkeep"."merged_clients" TO app',
  'GRANT SELECT, INSERT ON TABLE "chatkeep"."moved_messages" TO app',
  'GRANT SELECT, INSERT, UPDATE ON TABLE "chatkeep"."changed_messages" TO app',
  'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "chatkeep"."wanted_clients" TO app',
]

describe("the statements on chatkeep's own schema", () => {
  test('are none when it is complete', () => {
    expect(ownStatements(OWN_STATE)).toEqual([])
  })

  test('create everything for the owner of the chat, and close it to default privileges', () => {
    const own = { ...OWN_STATE, found: undefined, role: 'deployer', writers: ['app'], defaultGrantees: ['web'] }
    expect(heads(own)).toEqual([
      'CREATE SCHEMA "chatkeep" AUTHORIZATION "crm"',
      ...['migrations', 'runs', 'guest_clients', ...LIFECYCLE].flatMap((table) => [
        `CREATE TABLE "chatkeep"."${table}"`,
        ...(LIFECYCLE.includes(table) ? [`CREATE INDEX ON "chatkeep"."${table}"`] : []),
        ...(table === 'changed_messages' ? ['CREATE INDEX ON "chatkeep"."changed_messages"'] : []),
        `ALTER TABLE "chatkeep"."${table}" OWNER TO "crm"`,
        `REVOKE ALL ON "chatkeep"."${table}" FROM web`,
      ]),
      'GRANT USAGE ON SCHEMA "chatkeep" TO app',
      'GRANT SELECT, INSERT ON TABLE "chatkeep"."guest_clients" TO app',
      ...LIFECYCLE_GRANTS,
    ])
  })

  test.for<readonly [what: string, own: OwnState, statements: readonly string[]]>([
    ['a primary key that is gone', withTable('runs', { key: null }), ['ALTER TABLE "chatkeep"."runs" ADD PRIMARY KEY']],
    [
      'a right to change the history',
      withTable('migrations', {
        grants: [
          { grantee: 'web', privilege: 'SELECT' },
          { grantee: 'web', privilege: 'DELETE' },
        ],
      }),
      ['REVOKE DELETE ON TABLE "chatkeep"."migrations" FROM web'],
    ],
    [
      'a writer that may only read',
      { ...withTable('guest_clients', { grants: [{ grantee: 'app', privilege: 'SELECT' }] }), writers: ['app'] },
      [
        'GRANT USAGE ON SCHEMA "chatkeep" TO app',
        'GRANT SELECT, INSERT ON TABLE "chatkeep"."guest_clients" TO app',
        ...LIFECYCLE_GRANTS,
      ],
    ],
    [
      'a table of an earlier version',
      withTable('changed_messages', { columns: CHANGED.filter(([name]) => name !== 'guestHash') }),
      [
        'ALTER TABLE "chatkeep"."changed_messages" ADD COLUMN "guestHash" bigint',
        'CREATE INDEX ON "chatkeep"."changed_messages"',
      ],
    ],
    ['writers where row-level security hides clients', { ...OWN_STATE, writers: ['app'], clientsSecured: true }, []],
  ])('mend %s', ([, own, statements]) => {
    expect(heads(own)).toEqual(statements)
  })
})

describe('what is in the way', () => {
  test.for<readonly [what: string, own: OwnState, fixes: readonly string[]]>([
    ['nothing', OWN_STATE, []],
    [
      'a schema of somebody else',
      { ...OWN_STATE, found: { ...found, owner: 'mallory' } },
      ['ALTER SCHEMA "chatkeep" OWNER TO "crm"'],
    ],
    [
      'a table of somebody else',
      withTable('runs', { owner: 'mallory' }),
      ['ALTER TABLE "chatkeep"."runs" OWNER TO "crm"'],
    ],
    [
      'a view in the place of a table',
      withTable('runs', { kind: 'v' }),
      ['ALTER VIEW "chatkeep"."runs" RENAME TO "runs_old"'],
    ],
    [
      'other columns',
      withTable('guest_clients', { columns: [['id', 'bigint', true]] }),
      ['ALTER TABLE "chatkeep"."guest_clients" RENAME TO "guest_clients_old"'],
    ],
  ])('%s', ([, own, fixes]) => {
    expect(ownConflicts(own).map(({ fix }) => fix)).toEqual(fixes)
  })
})
