import { instantSql, toInstant, type InstantText } from '../database/clock/instant.js'
import { toId, toIdOrNull, type WithStoredIds } from './ids/ids.js'
import type { ChatMessage } from './message.js'

/** A message as a query of these columns returns it. */
export type StoredRow = Omit<WithStoredIds<ChatMessage, 'id' | 'clientId' | 'operatorId'>, 'createdAt' | 'readAt'> & {
  readonly createdAt: InstantText
  readonly readAt: InstantText | null
}

/** The columns of a stored message, of the alias `m`, under the names of `ChatMessage` in a `StoredRow`. */
export const MESSAGE_COLUMNS = `
  m."id",
  ${instantSql('m."createdAt"')} AS "createdAt",
  m."clientId",
  m."guestUsername",
  m."guestPhone",
  m."clientSocketId",
  m."senderType",
  m."operatorId",
  m."messageType",
  m."text",
  m."imageUrl",
  m."imageName",
  m."mimeType",
  m."isRead",
  ${instantSql('m."readAt"')} AS "readAt",
  m."sessionId",
  m."idempotencyKey",
  m."guestUnverified"`

/** The public message in a row, without the columns that a query adds for itself. @throws IdTooLarge */
export const toChatMessage = (row: StoredRow): ChatMessage => ({
  id: toId(row.id),
  createdAt: toInstant(row.createdAt),
  clientId: toIdOrNull(row.clientId),
  guestUsername: row.guestUsername,
  guestPhone: row.guestPhone,
  clientSocketId: row.clientSocketId,
  senderType: row.senderType,
  operatorId: toIdOrNull(row.operatorId),
  messageType: row.messageType,
  text: row.text,
  imageUrl: row.imageUrl,
  imageName: row.imageName,
  mimeType: row.mimeType,
  isRead: row.isRead,
  readAt: row.readAt === null ? null : toInstant(row.readAt),
  sessionId: row.sessionId,
  idempotencyKey: row.idempotencyKey,
  guestUnverified: row.guestUnverified,
})
