import type { Queryable } from '../../database/connection.js'
import { ownNamesFor, WANTED_CLIENTS } from '../own-names.js'
import { ofAnotherSql, waitingArchivedSql, waitingMessageSql } from '../wanted/waiting-messages.js'
import { idsOf } from './ids-of.js'
import type { ErasureTables } from './tables.js'

/** Messages without client that name one by its id. */
export interface WaitingIds {
  /** Ids of those that name a client of the person. */
  readonly messages: readonly string[]
  /** Of those in the archive of a rollback, which had no client before it. */
  readonly archived: readonly string[]
  /** Keys of those that name one of these ids, but mean somebody else: the client of the person was made after them. */
  readonly keysOfOthers: readonly string[]
}

export const readWaitingIds = async (
  client: Queryable,
  tables: ErasureTables,
  clientIds: readonly string[],
): Promise<WaitingIds> => {
  const { schema, own, names, columns, hasArchive, hasCreatedAt } = tables
  if (!own.has(WANTED_CLIENTS)) return { messages: [], archived: [], keysOfOthers: [] }
  const isNamed = 'w."clientId" = ANY ($1::bigint[])'
  const keysOfOthers = hasCreatedAt
    ? await idsOf(client, `SELECT w."idempotencyKey" AS "id" ${ofAnotherSql(names)} WHERE ${isNamed}`, clientIds)
    : []
  const read = (id: string, from: string): Promise<readonly string[]> =>
    idsOf(
      client,
      `SELECT ${id}::text AS "id" ${from} WHERE ${isNamed} AND w."idempotencyKey" <> ALL ($2::text[])`,
      clientIds,
      keysOfOthers,
    )
  return {
    messages: columns.has('idempotencyKey') ? await read('m."id"', waitingMessageSql(tables)) : [],
    archived: hasArchive ? await read('a."messageId"', waitingArchivedSql(ownNamesFor(schema))) : [],
    keysOfOthers,
  }
}
