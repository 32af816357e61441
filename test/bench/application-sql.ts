import type { Pool } from 'pg'
import { onlyRow } from '../../src/database/rows.js'
import type { NewChatMessage } from '../../src/index.js'
import { checkFailed } from './check-failed.js'

/** A message of a guest, with all that both an application and the store are given. */
export interface GuestMessage extends NewChatMessage {
  readonly guestUsername: string
  readonly sessionId: string
  readonly idempotencyKey: string
}

export interface InsertedMessage {
  readonly id: number
  readonly createdAt: Date
  readonly clientId: number
}

/** The columns that the store writes, in one plain statement. */
const INSERT_MESSAGE = `
  INSERT INTO "ChatMessage" (
    "createdAt", "clientId", "guestUsername", "guestPhone", "clientSocketId", "senderType", "operatorId", "messageType",
    "text", "imageUrl", "imageName", "mimeType", "sessionId", "idempotencyKey")
  VALUES (now() AT TIME ZONE 'UTC', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
  RETURNING "id", "createdAt"`

const FIND_CLIENT = `SELECT "id" FROM "Client" WHERE "username" = $1`

const INSERT_CLIENT = `
  INSERT INTO "Client" ("username", "phone", "createdAt", "updatedAt")
  VALUES ($1, $2, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
  ON CONFLICT ("username") DO NOTHING
  RETURNING "id"`

/** What an application does at the least: one row for a client that it knows. */
export const insertMessage = async (pool: Pool, clientId: number, message: GuestMessage): Promise<InsertedMessage> => {
  const result = await pool.query<Omit<InsertedMessage, 'clientId'>>(INSERT_MESSAGE, [
    clientId,
    message.guestUsername,
    message.guestPhone ?? null,
    message.clientSocketId ?? null,
    message.senderType,
    message.operatorId ?? null,
    message.messageType,
    message.text ?? null,
    message.imageUrl ?? null,
    message.imageName ?? null,
    message.mimeType ?? null,
    message.sessionId,
    message.idempotencyKey,
  ])
  return { ...onlyRow(result), clientId }
}

/** What an application does for a guest: looks for the client, makes one where there is none, inserts. */
export const findThenInsert = async (pool: Pool, message: GuestMessage): Promise<InsertedMessage> => {
  const { guestUsername: username, guestPhone } = message
  const clientId =
    (await idOf(pool, FIND_CLIENT, [username])) ??
    (await idOf(pool, INSERT_CLIENT, [username, guestPhone ?? null])) ??
    (await idOf(pool, FIND_CLIENT, [username]))
  if (clientId === undefined) throw checkFailed(`${username} is no client, and cannot be made one`)
  return insertMessage(pool, clientId, message)
}

const idOf = async (pool: Pool, sql: string, values: readonly unknown[]): Promise<number | undefined> => {
  const { rows } = await pool.query<{ id: number }>(sql, [...values])
  return rows[0]?.id
}
