import { ANYTHING, checkOptions, shown, type Rules } from '../../check-options.js'
import { isPutBack, keptRows } from '../erasure/kept-rows.js'
import { explainReferenced } from '../erasure/references.js'
import { CHANGED_MESSAGES, ownSchema, WANTED_CLIENTS } from '../own-names.js'
import { InvalidCall, InvalidMessage } from '../errors.js'
import { isId } from '../ids/ids.js'
import { bodyHashSql, guestHashSql } from '../keys/noted-key.js'
import type { ChatMessage, MessageType } from '../message.js'
import { NOT_EDITED, prepareContent, type MessageContent } from '../prepare-message.js'
import type { Names } from '../sql-names.js'
import { MESSAGE_COLUMNS, toChatMessage, type StoredRow } from '../stored-message.js'
import type { ChangeSession, Need } from './change.js'
import { MessageNotFound } from './lifecycle-errors.js'

/** What is changed in a message; what is absent stays. */
export interface MessageEdit extends MessageContent {
  readonly id: number
}

/** A message that is deleted. */
export interface MessageDeletion {
  readonly id: number
}

const DELETION: Rules<MessageDeletion> = { id: ANYTHING }
const EDIT: Rules<MessageEdit> = {
  ...DELETION,
  text: ANYTHING,
  imageUrl: ANYTHING,
  imageName: ANYTHING,
  mimeType: ANYTHING,
}

const needs = (schema: string, command: 'UPDATE' | 'DELETE'): readonly Need[] => [
  { schema, table: 'ChatMessage', privileges: ['SELECT', 'UPDATE', ...(command === 'DELETE' ? [command] : [])] },
  { schema: ownSchema(schema), table: CHANGED_MESSAGES, privileges: ['SELECT', 'INSERT', 'UPDATE'] },
  ...(command === 'DELETE' ? [{ schema: ownSchema(schema), table: WANTED_CLIENTS, privileges: ['SELECT'] }] : []),
]

/**
 * Changes the content of a message, and nothing else. Its key stays: sent again as it was first, it is still that message.
 * @throws MessageNotFound, InvalidMessage, OperatorError `rows_kept`
 */
export const editMessage = async (
  { names, schema, inChange }: ChangeSession,
  given: MessageEdit,
  maxMessageBytes: number,
): Promise<ChatMessage> => {
  checkOptions('the edit', given, EDIT)
  const { id, ...edit } = given
  checkId(id)
  const content = prepareContent(edit, maxMessageBytes)
  const columns = Object.keys(content)
  if (columns.length === 0) throw new InvalidMessage(['no text, imageUrl, imageName or mimeType is given'], NOT_EDITED)
  return inChange(needs(schema, 'UPDATE'), async (client) => {
    const { rows } = await client.query<FoundRow>(noteSql(names, 'editedAt', 'o."clientId"', columns), [id])
    const [noted] = rows
    if (noted === undefined) throw new MessageNotFound(id)
    const essential = noted.messageType === 'TEXT' ? 'text' : 'imageUrl'
    if (essential in content && (content[essential] ?? '') === '')
      throw new InvalidMessage([`${essential} is empty`], NOT_EDITED)
    const edited = await client.query<StoredRow>(editSql(names, columns), [id, ...Object.values(content)])
    const [row] = edited.rows
    if (row === undefined || isPutBack(content, noted, row))
      throw await keptRows(client, { table: names.message, event: 'UPDATE', what: `message ${id} is` })
    return toChatMessage(row)
  })
}

/**
 * Deletes a message. Its key stays known: sent again, it is a duplicate, and is not stored.
 * @returns false if there is no message of this id
 * @throws OperatorError `rows_kept`
 */
export const deleteMessage = async (
  { names, schema, inChange }: ChangeSession,
  deletion: MessageDeletion,
): Promise<boolean> => {
  checkOptions('the deletion', deletion, DELETION)
  const { id } = deletion
  checkId(id)
  return inChange(needs(schema, 'DELETE'), async (client) => {
    const noted = await client.query(noteSql(names, 'deletedAt', wantedClientSql(names)), [id])
    if (noted.rowCount === 0) return false
    const { rowCount } = await client
      .query(`DELETE FROM ${names.message} WHERE "id" = $1::bigint`, [id])
      .catch((error: unknown) => {
        throw explainReferenced(error, `message ${id}`)
      })
    if (rowCount === 0)
      throw await keptRows(client, { table: names.message, event: 'DELETE', what: `message ${id} is` })
    return true
  })
}

const checkId = (id: unknown): void => {
  if (!isId(id)) throw new InvalidCall('invalid_message_id', `id ${shown(id)}, which is not a message id`)
}

// Nothing else tells whose a deleted message was: also of one that waits for its client, the id is noted.
const wantedClientSql = ({ wantedClients }: Names): string => `
  coalesce(o."clientId", (SELECT w."clientId" FROM ${wantedClients} AS w WHERE w."idempotencyKey" = o."idempotencyKey"))`

/** With the content that is to change, as it was before. */
interface FoundRow extends Readonly<Record<keyof MessageContent, string | null>> {
  readonly messageType: MessageType
}

// The row is locked first: of two changes at once the second notes nothing that the first has written. The hash of the first
// one stays; whose the message is may have changed.
const noteSql = (
  { message, changedMessages }: Names,
  at: 'editedAt' | 'deletedAt',
  clientId: string,
  read: readonly string[] = [],
): string => `
  WITH old AS MATERIALIZED (
    SELECT * FROM ${message} WHERE "id" = $1::bigint FOR UPDATE
  ), noted AS (
    INSERT INTO ${changedMessages} AS d
      ("idempotencyKey", "messageId", "createdAt", "clientId", "bodyHash", "guestHash", "${at}")
    SELECT o."idempotencyKey", o."id", o."createdAt", ${clientId}, ${bodyHashSql('o')}, ${guestHashSql('o."guestUsername"')}, now()
    FROM old AS o
    WHERE o."idempotencyKey" IS NOT NULL
    ON CONFLICT ("idempotencyKey") DO UPDATE
    SET "${at}" = now(), "clientId" = EXCLUDED."clientId", "guestHash" = EXCLUDED."guestHash"
  )
  SELECT "messageType"::text AS "messageType"${read.map((column) => `, "${column}"`).join('')} FROM old`

const editSql = ({ message }: Names, columns: readonly string[]): string => `
  UPDATE ${message} AS m
  SET ${columns.map((column, place) => `"${column}" = $${place + 2}`).join(', ')}
  WHERE m."id" = $1::bigint
  RETURNING ${MESSAGE_COLUMNS}`
