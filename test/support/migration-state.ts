import type { Catalog } from '../../src/database/catalog.js'
import type { HistoryRow } from '../../src/migrations/ledger/history.js'
import type { MigrationFile } from '../../src/migrations/ledger/migration-files.js'
import type { FoundSchema, OwnState } from '../../src/migrations/own/own-state.js'
import { OWN_TABLES } from '../../src/migrations/own/own-tables.js'
import { ownNamesFor } from '../../src/persistence/own-names.js'

/** A migration file whose content and hash follow from its number. */
export const historyFile = (id: number, name = `migration-${id}`): MigrationFile => ({
  id,
  name,
  fileName: `${id}_${name}.sql`,
  sql: name,
  hash: `hash-${id}`,
})

/** The history row of that file; another hash makes it a changed file. */
export const historyRow = (id: number, hash = `hash-${id}`): HistoryRow => ({ id, name: 'any', hash, executedAt: null })

/** A catalog of the chat tables with these columns of messages and these indexes. */
export const catalogWith = ({
  columns = [],
  indexes = [],
}: {
  readonly columns?: readonly string[]
  readonly indexes?: Catalog['indexes']
}): Catalog => ({
  tables: ['User', 'Client', 'ChatMessage'],
  partitioned: [],
  columns: columns.map((column) => ({
    table: 'ChatMessage',
    column,
    type: 'text',
    nullable: true,
    optional: true,
  })),
  indexes,
  enums: new Map(),
  checks: new Map(),
  triggers: [],
})

/** Everything that belongs in chatkeep's own schema, owned by the one role that there is. */
export const OWN_FOUND: FoundSchema = {
  owner: 'crm',
  usable: true,
  grants: [],
  tables: OWN_TABLES.filter(({ temporary, parts }) => !temporary && parts === undefined).map(
    ({ name, columns, key }) => ({
      name,
      columns,
      key,
      owner: 'crm',
      kind: 'r',
      replicaIdentity: 'd',
      grants: [],
      hidesRows: false,
      readable: true,
    }),
  ),
  functions: [],
  subscriptions: [],
}

/** chatkeep's own schema when nothing is missing. */
export const OWN_STATE: OwnState = {
  names: ownNamesFor('public'),
  owner: 'crm',
  role: 'crm',
  mayCreateSchema: true,
  exceedsOwner: false,
  strangers: [],
  writers: [],
  clientsSecured: false,
  defaultGrantees: [],
  found: OWN_FOUND,
}
