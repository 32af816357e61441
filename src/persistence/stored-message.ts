import { instantSql, toInstant, type InstantText } from '../database/clock/instant.js'
import { toId, toIdOrNull, type WithStoredIds } from './ids/ids.js'
import type { ChatMessage } from './message.js'

/** A message as a query of these columns returns it. */
export type StoredRow = Omit<WithStoredIds<ChatMessage, 'id' | 'clientId' | 'operatorId'>, 'createdAt' | 'readAt'> & {
  readonly createdAt: InstantText
  readonly readAt: InstantText | null
}

const COLUMNS = [
  'id',
  'createdAt',
  'clientId',
  'guestUsername',
  'guestPhone',
  'clientSocketId',
  'senderType',
  'operatorId',
  'messageType',
  'text',
  'imageUrl',
  'imageName',
  'mimeType',
  'isRead',
  'readAt',
  'sessionId',
  'idempotencyKey',
  'guestUnverified',
] as const satisfies readonly (keyof StoredRow)[]

/** The columns of a stored message, of the alias `m`, as the table has them. */
export const RAW_COLUMNS = COLUMNS.map((name) => `m."${name}"`).join(', ')

const isInstant = (name: string): boolean => name === 'createdAt' || name === 'readAt'

/** The same under the names of `ChatMessage` in a `StoredRow`, instants as text. */
export const MESSAGE_COLUMNS = COLUMNS.map((name) =>
  isInstant(name) ? `${instantSql(`m."${name}"`)} AS "${name}"` : `m."${name}"`,
).join(`,
  `)

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
