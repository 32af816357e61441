import type { Queryable } from '../../database/connection.js'
import type { ChatMessage } from '../message.js'
import { ownNamesFor } from '../own-names.js'
import { MESSAGE_COLUMNS, toChatMessage, type StoredRow } from '../stored-message.js'
import { readByCursor } from './cursor.js'
import { ownRowsOf } from './erase-person.js'
import { toExactRow, type ExportedRow } from '../content/exact-row.js'
import { ownNeeds, readOwnRows } from './own-rows.js'
import { anyOf, selectionsOf, type FoundPerson } from './person.js'
import type { TableNeed } from './privileges.js'
import type { ErasureTables } from './tables.js'

/** Something that the database holds of a person. */
export type PersonRecord =
  /** A row of "Client", with all of its columns. */
  | { readonly type: 'client'; readonly row: ExportedRow }
  /** A row of a table of chatkeep's own. */
  | { readonly type: 'chatkeep'; readonly table: string; readonly row: ExportedRow }
  | {
      readonly type: 'message'
      readonly message: ExportedMessage
      /** Name of the message's client. */
      readonly clientName: string | null
    }

/** Without the operator who answered: that is data of somebody else. */
export type ExportedMessage = Omit<ChatMessage, 'operatorId'>

export const exportNeeds = ({ schema }: ErasureTables): readonly TableNeed[] => [
  { schema, table: 'ChatMessage', privileges: ['SELECT'] },
  { schema, table: 'Client', privileges: ['SELECT'] },
  ...ownNeeds(schema, ['SELECT']),
]

/**
 * Reads all that the database holds of a person, in the caller's snapshot: clients first, then rows of chatkeep's own, then
 * messages, oldest first.
 */
export async function* readPerson(
  client: Queryable,
  tables: ErasureTables,
  person: FoundPerson,
): AsyncGenerator<PersonRecord> {
  yield* await readClients(client, tables, person)
  for await (const { table, row } of readOwnRows(client, tables, ownRowsOf(person)))
    yield { type: 'chatkeep', table, row }
  const { condition, values } = anyOf(selectionsOf(tables, person))
  const sql = `${selectMessages(tables)} WHERE ${condition} ORDER BY m."createdAt", m."id"`
  for await (const row of readByCursor<ExportedMessageRow>(client, sql, values)) yield toRecord(row)
}

/** The clients who are the person. */
export const readClients = async (
  client: Queryable,
  { names }: ErasureTables,
  { clients }: FoundPerson,
): Promise<readonly PersonRecord[]> => {
  const { rows } = await client.query<{ row: string }>(
    `SELECT to_jsonb(c)::text AS "row" FROM ${names.client} AS c WHERE c."id" = ANY ($1::bigint[]) ORDER BY c."id"`,
    [clients.map(({ id }) => id)],
  )
  return rows.map(({ row }) => ({ type: 'client', row: toExactRow(row) }))
}

/** A row of `selectMessages`. */
export type ExportedMessageRow = StoredRow & { readonly clientName: string | null }

/** A query of messages `m`, without its conditions. */
export const selectMessages = (tables: ErasureTables): string => `
    SELECT ${columnsIn(tables)}, c."username"::text AS "clientName"
    FROM ${tables.names.message} AS m
    LEFT JOIN ${tables.names.client} AS c ON c."id" = m."clientId"${tables.hasArchive ? joinArchive(tables) : ''}`

export const toRecord = (row: ExportedMessageRow): PersonRecord => {
  const { operatorId: _, ...message } = toChatMessage(row)
  return { type: 'message', message, clientName: row.clientName }
}

const joinArchive = ({ schema }: ErasureTables): string => `
    LEFT JOIN ${ownNamesFor(schema).archive} AS a ON a."messageId" = m."id" AND a."createdAt" IS NOT DISTINCT FROM m."createdAt"`

/** What a rollback drops, and the value where nothing of it is archived. */
const DROPPED = { guestUsername: 'NULL', guestPhone: 'NULL', idempotencyKey: 'NULL', guestUnverified: 'false' } as const

// What a rollback dropped is in its archive.
const columnsIn = ({ columns, hasArchive }: ErasureTables): string =>
  Object.entries(DROPPED).reduce((sql, [column, none]) => {
    if (columns.has(column)) return sql
    const archived = hasArchive ? `coalesce(a."${column}", ${none})` : none
    return sql.replace(`m."${column}"`, `${archived} AS "${column}"`)
  }, MESSAGE_COLUMNS)
