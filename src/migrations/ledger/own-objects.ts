import {
  CHAT_TABLES,
  OWN_COLUMNS,
  OWN_TABLES,
  type RequiredColumn,
  type RequiredIndex,
} from '../../persistence/shape.js'

/** One of chatkeep's own tables. */
export interface OwnTable {
  readonly name: string
  readonly columns: readonly RequiredColumn[]
  readonly indexes: readonly RequiredIndex[]
}

const ownTable = (name: string, indexes: readonly Omit<RequiredIndex, 'table'>[]): OwnTable => ({
  name,
  columns: OWN_COLUMNS.filter(({ table }) => table === name),
  indexes: indexes.map((index) => ({ table: name, ...index })),
})

/** Every table that a plan may touch: the application's and chatkeep's own. */
export const KNOWN_TABLES: readonly string[] = [...CHAT_TABLES, ...OWN_TABLES]

export const GUEST_CLIENTS_TABLE = ownTable('chatkeep_guest_clients', [
  { name: 'chatkeep_guest_clients_pkey', unique: true, definition: 'btree ("clientId")' },
])
