import type { Catalog } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'
import { blockingClientColumns, findColumn } from '../../persistence/shape.js'
import type { ArchivedColumn, RollbackRange } from '../ledger/rollback-range.js'

/** What a rollback costs, in rows. Nothing of it is lost: it goes to the archive and comes back with the next migrate. */
export interface PriceTag {
  readonly messages: number
  /** Messages with a guest name or phone: both columns go. */
  readonly guestMessages: number
  /** Messages with an idempotency key: the column goes. */
  readonly messagesWithKey: number
  /** Messages under the name of a client who was there before, marked as unproven: the column goes. */
  readonly unverifiedMessages: number
  /** Messages without client that have a guest name: they get their client. */
  readonly messagesToLink: number
  /** Guests of those messages that are no clients yet: their clients are made. */
  readonly clientsToCreate: number
  /** Messages with neither: they leave the table and wait in the archive. */
  readonly messagesToRemove: number
  /** Columns of "Client" that nobody but the application can fill. */
  readonly blockingClientColumns: readonly string[]
}

type Counts = Omit<PriceTag, 'blockingClientColumns'>

const NOTHING: Counts = {
  messages: 0,
  guestMessages: 0,
  messagesWithKey: 0,
  unverifiedMessages: 0,
  messagesToLink: 0,
  clientsToCreate: 0,
  messagesToRemove: 0,
}

/** Counts in one pass over the table what this range costs. What an earlier, cut rollback dropped already costs nothing. */
export const readPriceTag = async (client: Queryable, catalog: Catalog, range: RollbackRange): Promise<PriceTag> => {
  const isThere = findColumn(catalog, 'ChatMessage', 'clientId') !== undefined
  const hasGuests = findColumn(catalog, 'ChatMessage', 'guestUsername') !== undefined
  const counts = isThere ? await count(client, range, hasGuests) : NOTHING
  return { ...counts, blockingClientColumns: blockingClientColumns(catalog) }
}

const count = async (client: Queryable, range: RollbackRange, hasGuests: boolean): Promise<Counts> => {
  const drops = (column: ArchivedColumn): boolean => range.columns.includes(column)
  const name = hasGuests ? `nullif(btrim(m."guestUsername"), '')` : 'NULL::text'
  const guest = drops('guestUsername') ? `m."guestUsername" IS NOT NULL OR m."guestPhone" IS NOT NULL` : 'false'
  const unlinked = range.needsClients ? 'm."clientId" IS NULL' : 'false'
  const { rows } = await client.query<Counts>(`
    SELECT count(*)::integer AS "messages",
      count(*) FILTER (WHERE ${guest})::integer AS "guestMessages",
      count(${drops('idempotencyKey') ? 'm."idempotencyKey"' : 'NULL'})::integer AS "messagesWithKey",
      count(*) FILTER (WHERE ${drops('guestUnverified') ? 'm."guestUnverified"' : 'false'})::integer AS "unverifiedMessages",
      count(*) FILTER (WHERE ${unlinked} AND ${name} IS NOT NULL)::integer AS "messagesToLink",
      count(DISTINCT ${name}) FILTER (
        WHERE ${unlinked} AND NOT EXISTS (SELECT FROM "Client" AS c WHERE c."username" = ${name})
      )::integer AS "clientsToCreate",
      count(*) FILTER (WHERE ${unlinked} AND ${name} IS NULL)::integer AS "messagesToRemove"
    FROM "ChatMessage" AS m`)
  return rows[0] ?? NOTHING
}
