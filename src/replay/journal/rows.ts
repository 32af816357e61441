import type { Queryable } from '../../database/connection.js'
import { explainMissingSchema } from '../../persistence/errors.js'
import { toId, type WithStoredIds } from '../../persistence/ids/ids.js'
import type { PreparedMessage } from '../../persistence/prepare-message.js'
import { namesIn } from '../../persistence/sql-names.js'
import { isConversation } from '../../persistence/keys/key-scope.js'

/** A row that was stored for a message of a journal, with the columns that the journal determines. */
export interface JournalRow extends Pick<PreparedMessage, (typeof COMPARED)[number]> {
  readonly id: number
  readonly idempotencyKey: string
  readonly createdAt: Date
}

const COMPARED = [
  'senderType',
  'messageType',
  'text',
  'imageUrl',
  'imageName',
  'mimeType',
  'guestUsername',
  'sessionId',
] as const

/** Reads what is stored under these keys, without the store. */
export const readJournalRows = async (
  client: Queryable,
  schema: string,
  keys: readonly string[],
): Promise<readonly JournalRow[]> => {
  try {
    const { rows } = await client.query<WithStoredIds<JournalRow, 'id'>>(rowsSql(namesIn(schema).message), [keys])
    return rows.map((row) => ({ ...row, id: toId(row.id) }))
  } catch (error) {
    throw explainMissingSchema(error)
  }
}

const rowsSql = (message: string): string => `
  SELECT "id", "idempotencyKey", "createdAt" AT TIME ZONE 'UTC' AS "createdAt",
    "senderType"::text, "messageType"::text, "text", "imageUrl", "imageName", "mimeType", "guestUsername", "sessionId"
  FROM ${message}
  WHERE "idempotencyKey"::text = ANY ($1::text[])
  ORDER BY "id"`

/**
 * Columns in which a row differs from the journal. An operator's entry may not know the guest's name; nor the conversation, where
 * it was sent to a client or a name.
 */
export const differingColumns = (
  message: PreparedMessage,
  row: JournalRow,
  isContactKnown: boolean,
): readonly string[] =>
  COMPARED.filter((column) => message[column] !== row[column]).filter(
    (column) =>
      isContactKnown ||
      !(column === 'guestUsername' || (column === 'sessionId' && !isConversation(message.sessionId ?? ''))),
  )
