import type { ChatMessage } from './message.js'

/** The columns of a stored message, of the alias `m`, under the names of `ChatMessage`; instants leave the database as `timestamptz`. */
export const MESSAGE_COLUMNS = `
  m."id",
  m."createdAt" AT TIME ZONE 'UTC' AS "createdAt",
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
  m."readAt" AT TIME ZONE 'UTC' AS "readAt",
  m."sessionId",
  m."idempotencyKey",
  m."guestUnverified"`

/** The public message in a row, without the columns that a query adds for itself. */
export const toChatMessage = (row: ChatMessage): ChatMessage => ({
  id: row.id,
  createdAt: row.createdAt,
  clientId: row.clientId,
  guestUsername: row.guestUsername,
  guestPhone: row.guestPhone,
  clientSocketId: row.clientSocketId,
  senderType: row.senderType,
  operatorId: row.operatorId,
  messageType: row.messageType,
  text: row.text,
  imageUrl: row.imageUrl,
  imageName: row.imageName,
  mimeType: row.mimeType,
  isRead: row.isRead,
  readAt: row.readAt,
  sessionId: row.sessionId,
  idempotencyKey: row.idempotencyKey,
  guestUnverified: row.guestUnverified,
})
