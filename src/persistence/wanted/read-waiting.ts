import type { Queryable } from '../../database/connection.js'
import { isServerError } from '../../database/sql-state.js'
import { inTransaction } from '../../database/transaction.js'
import { mergedSql } from '../follow-clients.js'
import type { PreparedMessage } from '../prepare-message.js'
import type { Names } from '../sql-names.js'
import { BEGIN_NOTING } from './note-wanted.js'

/** What it is read with. */
interface WaitingSession {
  readonly client: Queryable
  readonly names: Names
  readonly transaction: 'own' | 'callers'
}

const selectWaiting = (names: Names): string => `
  SELECT w."idempotencyKey", ${mergedSql(names, 'w."clientId"')} = ${mergedSql(names, 'x."clientId"')} AS "isSame"
  FROM json_to_recordset($1::json) AS x ("idempotencyKey" text, "clientId" bigint)
  JOIN ${names.wantedClients} AS w ON w."idempotencyKey" = x."idempotencyKey"`

/**
 * Finds for which clients stored messages without client wait.
 * @param messages as they were sent again
 * @returns by key, whether it is the one that the message names; none where that cannot be read: it costs no message
 */
export const readWaiting = async (
  { client, names, transaction }: WaitingSession,
  messages: readonly PreparedMessage[],
): Promise<ReadonlyMap<string, boolean>> => {
  if (messages.length === 0) return new Map()
  const ask = () =>
    client.query<{ idempotencyKey: string; isSame: boolean }>(selectWaiting(names), [
      JSON.stringify(messages.map(idsOf)),
    ])
  try {
    const { rows } = await (transaction === 'own' ? inTransaction(client, ask, BEGIN_NOTING) : ask())
    return new Map(rows.map(({ idempotencyKey, isSame }) => [idempotencyKey, isSame]))
  } catch (error) {
    if (!isServerError(error)) throw error
    return new Map()
  }
}

const idsOf = ({ idempotencyKey, clientId }: PreparedMessage) => ({ idempotencyKey, clientId })
