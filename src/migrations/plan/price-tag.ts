import type { Catalog } from '../../database/catalog.js'
import { clientOfNameSql } from '../../persistence/follow-clients.js'
import { CLIENT_ALIASES, MERGED_CLIENTS } from '../../persistence/own-names.js'
import type { OwnClient } from '../own/own-client.js'
import { canRead, type OwnState } from '../own/own-state.js'
import { clientBarriers, findColumn } from '../../persistence/shape.js'
import type { ArchivedColumn, RollbackRange } from '../ledger/rollback-range.js'

/** Rows that a rollback affects. No data is lost: the archive keeps it, and the next migrate restores it. */
export interface PriceTag {
  readonly messages: number
  /** Messages with a guest name or phone; both columns are dropped. */
  readonly guestMessages: number
  /** Messages with an idempotency key; the column is dropped. */
  readonly messagesWithKey: number
  /** Messages marked as written under the name of an existing client without proof; the column is dropped. */
  readonly unverifiedMessages: number
  /** Messages without a client but with a guest name; they are linked to a client. */
  readonly messagesToLink: number
  /** Guests of those messages who have no client yet; their clients are created. */
  readonly clientsToCreate: number
  /** Messages without client or guest name; they move from the table to the archive. */
  readonly messagesToRemove: number
  /** Why no client can be created for a guest. */
  readonly clientBarriers: readonly string[]
}

type Counts = Omit<PriceTag, 'clientBarriers'>

const NOTHING: Counts = {
  messages: 0,
  guestMessages: 0,
  messagesWithKey: 0,
  unverifiedMessages: 0,
  messagesToLink: 0,
  clientsToCreate: 0,
  messagesToRemove: 0,
}

/** Of a rollback that has nothing to do. */
export const NO_PRICE: PriceTag = { ...NOTHING, clientBarriers: [] }

/** Counts the affected rows in one pass over the table. Columns that an interrupted rollback already dropped count as 0. */
export const readPriceTag = async (
  client: OwnClient,
  { catalog, own }: { readonly catalog: Catalog; readonly own: OwnState },
  range: RollbackRange,
): Promise<PriceTag> => {
  const isThere = findColumn(catalog, 'ChatMessage', 'clientId') !== undefined
  const hasGuests = findColumn(catalog, 'ChatMessage', 'guestUsername') !== undefined
  const counts = isThere ? await count(client, own, range, hasGuests) : NOTHING
  return { ...counts, clientBarriers: clientBarriers(catalog) }
}

const count = async (client: OwnClient, own: OwnState, range: RollbackRange, hasGuests: boolean): Promise<Counts> => {
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
        WHERE ${unlinked} AND ${clientSql(own, name)} IS NULL
      )::integer AS "clientsToCreate",
      count(*) FILTER (WHERE ${unlinked} AND ${name} IS NULL)::integer AS "messagesToRemove"
    FROM ${client.own.message} AS m`)
  return rows[0] ?? NOTHING
}

// A database that an older chatkeep migrated lacks the tables of former names: nobody has one.
const clientSql = (own: OwnState, name: string): string =>
  [CLIENT_ALIASES, MERGED_CLIENTS].every((table) => canRead(own, table))
    ? clientOfNameSql(own.names, name)
    : `(SELECT c."id" FROM ${own.names.client} AS c WHERE c."username"::text = ${name} LIMIT 1)`

/** What work on rows writes beside the rows that are there. */
export interface BytesWritten {
  readonly walBytes: number
  /** By which tables and indexes grow at most, until VACUUM makes old rows free again. */
  readonly diskBytes: number
}

// Bytes a message, measured with 1 million messages of 250 bytes, each with a key, half of them guests', on PostgreSQL 18 with
// max_wal_size = 2GB: 2.1 GB of WAL for the rollback, 5.1 GB for the way back. A new version of a row has an entry in each index.
const ARCHIVED = { wal: 250, disk: 140 }
const LINKED = { wal: 3_700, disk: 750 }
// Updated twice: its key first, the rest when all indexes are there.
const RESTORED = { wal: 5_100, disk: 1_000 }

/** Of a rollback: the archive, and each message that gets a client or leaves the table. */
export const rollbackBytes = (counts: Counts): BytesWritten => {
  const { messages, guestMessages, messagesWithKey, unverifiedMessages, messagesToLink, messagesToRemove } = counts
  const changed = messagesToLink + messagesToRemove
  const archived = Math.min(messages, guestMessages + messagesWithKey + unverifiedMessages + changed)
  return {
    walBytes: archived * ARCHIVED.wal + changed * LINKED.wal,
    diskBytes: archived * ARCHIVED.disk + changed * LINKED.disk,
  }
}

/** Of putting archived messages back, without the indexes that are built before. */
export const restoreBytes = (archivedMessages: number): BytesWritten => ({
  walBytes: archivedMessages * RESTORED.wal,
  diskBytes: archivedMessages * RESTORED.disk,
})
