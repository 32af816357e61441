import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { ownSchema } from '../own-names.js'
import type { TableNeed } from './privileges.js'
import type { ErasureTables } from './tables.js'

/** Rows of a person in a table of chatkeep's own; the archive of a rollback is a matter of its own. */
interface OwnPlace {
  readonly table: string
  /** By the ids of clients, $1, and by names, $2. */
  readonly condition: string
}

const OF_CLIENT = '"clientId" = ANY ($1::bigint[])'
const OF_EITHER = `${OF_CLIENT} OR "intoClientId" = ANY ($1::bigint[])`

/** Add a table with personal data: write its line here. Each may be missing. */
const OWN_PLACES: readonly OwnPlace[] = [
  { table: 'guest_clients', condition: OF_CLIENT },
  { table: 'client_aliases', condition: `${OF_CLIENT} OR "username" = ANY ($2::text[])` },
  { table: 'merged_clients', condition: OF_EITHER },
  { table: 'moved_messages', condition: OF_EITHER },
  { table: 'changed_messages', condition: OF_CLIENT },
  { table: 'wanted_clients', condition: OF_CLIENT },
]

/** What reading and deleting these rows needs. */
export const ownNeeds = (schema: string, privileges: TableNeed['privileges']): readonly TableNeed[] =>
  OWN_PLACES.map(({ table }) => ({ schema: ownSchema(schema), table, privileges }))

/** Whose rows are meant. */
export interface OwnRowsOf {
  readonly clientIds: readonly string[]
  readonly names: readonly string[]
}

/** How many rows of a person a table has. */
export interface OwnRows {
  /** Such as `chatkeep.guest_clients`. */
  readonly table: string
  readonly rows: number
}

const placesIn = (
  tables: ErasureTables,
  { clientIds, names }: OwnRowsOf,
): readonly { readonly name: string; readonly where: string; readonly values: readonly unknown[] }[] => {
  const schema = ownSchema(tables.schema)
  return OWN_PLACES.filter(({ table }) => tables.own.has(table)).map(({ table, condition }) => ({
    name: qualified(schema, table),
    where: condition,
    values: condition.includes('$2') ? [clientIds, names] : [clientIds],
  }))
}

export const countOwnRows = async (
  client: Queryable,
  tables: ErasureTables,
  whose: OwnRowsOf,
): Promise<readonly OwnRows[]> => {
  const counted: OwnRows[] = []
  for (const { name, where, values } of placesIn(tables, whose)) {
    const sql = `SELECT count(*)::integer AS "rows" FROM ${name} WHERE ${where}`
    const { rows } = onlyRow(await client.query<{ rows: number }>(sql, [...values]))
    if (rows > 0) counted.push({ table: name, rows })
  }
  return counted
}

/** The rows themselves, as JSON. */
export const readOwnRows = async (
  client: Queryable,
  tables: ErasureTables,
  whose: OwnRowsOf,
): Promise<readonly { readonly table: string; readonly row: unknown }[]> => {
  const all: { readonly table: string; readonly row: unknown }[] = []
  for (const { name, where, values } of placesIn(tables, whose)) {
    const sql = `SELECT to_jsonb(o) AS "row" FROM ${name} AS o WHERE ${where}`
    const { rows } = await client.query<{ row: unknown }>(sql, [...values])
    all.push(...rows.map(({ row }) => ({ table: name, row })))
  }
  return all
}

/** Deletes them in the caller's transaction. */
export const deleteOwnRows = async (client: Queryable, tables: ErasureTables, whose: OwnRowsOf): Promise<void> => {
  for (const { name, where, values } of placesIn(tables, whose))
    await client.query(`DELETE FROM ${name} WHERE ${where}`, [...values])
}
