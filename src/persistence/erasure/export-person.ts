import type { Queryable } from '../../database/connection.js'
import type { ChatMessage } from '../message.js'
import { MESSAGE_COLUMNS, toChatMessage, type StoredRow } from '../stored-message.js'
import { ownRowsOf } from './erase-person.js'
import { ownNeeds, readOwnRows } from './own-rows.js'
import { anyOf, selectionsOf, type FoundPerson } from './person.js'
import type { TableNeed } from './privileges.js'
import type { ErasureTables } from './tables.js'

/** Something that the database holds of a person. */
export type PersonRecord =
  /** A row of "Client", with all of its columns. */
  | { readonly type: 'client'; readonly row: unknown }
  /** A row of a table of chatkeep's own. */
  | { readonly type: 'own'; readonly table: string; readonly row: unknown }
  | { readonly type: 'message'; readonly message: ChatMessage; readonly clientName: string | null }

export const exportNeeds = ({ schema }: ErasureTables): readonly TableNeed[] => [
  { schema, table: 'ChatMessage', privileges: ['SELECT'] },
  { schema, table: 'Client', privileges: ['SELECT'] },
  ...ownNeeds(schema, ['SELECT']),
]

/** Few, because each may have an image. */
const ROWS_A_FETCH = 10

/**
 * Reads all that the database holds of a person, in the caller's snapshot: clients first, then messages, oldest first.
 * @param write called for each, one after the other
 */
export const exportPerson = async (
  client: Queryable,
  tables: ErasureTables,
  person: FoundPerson,
  write: (record: PersonRecord) => Promise<void>,
): Promise<void> => {
  const { names } = tables
  const { rows: clients } = await client.query<{ row: unknown }>(
    `SELECT to_jsonb(c) AS "row" FROM ${names.client} AS c WHERE c."id" = ANY ($1::bigint[]) ORDER BY c."id"`,
    [person.clients.map(({ id }) => id)],
  )
  for (const { row } of clients) await write({ type: 'client', row })
  for (const { table, row } of await readOwnRows(client, tables, ownRowsOf(person)))
    await write({ type: 'own', table, row })
  const { condition, values } = anyOf(selectionsOf(tables, person))
  await client.query(
    `DECLARE "person" NO SCROLL CURSOR FOR
     SELECT ${MESSAGE_COLUMNS}, c."username"::text AS "clientName"
     FROM ${names.message} AS m LEFT JOIN ${names.client} AS c ON c."id" = m."clientId"
     WHERE ${condition}
     ORDER BY m."createdAt", m."id"`,
    [...values],
  )
  for (;;) {
    const { rows } = await client.query<StoredRow & { clientName: string | null }>(
      `FETCH ${ROWS_A_FETCH} FROM "person"`,
    )
    for (const row of rows) await write({ type: 'message', message: toChatMessage(row), clientName: row.clientName })
    if (rows.length < ROWS_A_FETCH) return
  }
}
