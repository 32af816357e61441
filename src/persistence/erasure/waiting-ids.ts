import type { Queryable } from '../../database/connection.js'
import { ownNamesFor, WANTED_CLIENTS } from '../own-names.js'
import { waitingArchivedSql, waitingMessageSql } from '../wanted/waiting-messages.js'
import { idsOf } from './ids-of.js'
import type { ErasureTables } from './tables.js'

/** Ids of messages without client that name a client of the person by its id. */
export interface WaitingIds {
  readonly messages: readonly string[]
  /** Of those in the archive of a rollback, which had no client before it. */
  readonly archived: readonly string[]
}

export const readWaitingIds = async (
  client: Queryable,
  tables: ErasureTables,
  clientIds: readonly string[],
): Promise<WaitingIds> => {
  const { schema, own, columns, hasArchive } = tables
  if (!own.has(WANTED_CLIENTS)) return { messages: [], archived: [] }
  const read = (id: string, from: string): Promise<readonly string[]> =>
    idsOf(client, `SELECT ${id}::text AS "id" ${from} WHERE w."clientId" = ANY ($1::bigint[])`, clientIds)
  return {
    messages: columns.has('idempotencyKey') ? await read('m."id"', waitingMessageSql(tables)) : [],
    archived: hasArchive ? await read('a."messageId"', waitingArchivedSql(ownNamesFor(schema))) : [],
  }
}
