import { CLIENT_CHATS, GUEST_CHATS, isBefore, isOfChat, type ChatKind, type PartRequest } from './kinds.js'
import { UNREAD } from '../sql-names.js'

/** A guest without client often has several unread messages, and their index does not tell whose they are. */
const MESSAGES_A_GUEST = 8

/**
 * SQL for the chats that have unread messages, with the names of `walkSql`, from the index of unread messages: one descent
 * a client, however many messages are unread. It knows nothing of when a chat was active, so it either has all of them, up
 * to `chats` clients and a multiple of that of messages of guests, or finds none, and its floor is above everything.
 */
export const unreadWalkSql = (request: PartRequest, chats: number): string => `
  client_unread ("chat") AS (
    (SELECT "clientId" FROM ${request.message} WHERE ${UNREAD} AND "clientId" IS NOT NULL ORDER BY "clientId" DESC LIMIT 1)
    UNION ALL
    SELECT (
      SELECT "clientId" FROM ${request.message}
      WHERE ${UNREAD} AND "clientId" < u."chat"
      ORDER BY "clientId" DESC
      LIMIT 1)
    FROM client_unread AS u
    WHERE u."chat" IS NOT NULL
  ), client_read AS MATERIALIZED (
    SELECT "chat" FROM client_unread WHERE "chat" IS NOT NULL LIMIT ${chats}
  ), guest_unread AS MATERIALIZED (
    SELECT ${GUEST_CHATS.column} AS "chat"
    FROM ${request.message}
    WHERE ${UNREAD} AND "clientId" IS NULL
    ORDER BY "createdAt"
    LIMIT ${MESSAGES_A_GUEST * chats}
  ), guest_read AS MATERIALIZED (
    SELECT DISTINCT "chat" FROM guest_unread WHERE "chat" IS NOT NULL
  ), unread_floor AS MATERIALIZED (
    SELECT CASE
      WHEN (SELECT count(*) FROM client_read) = ${chats} OR (SELECT count(*) FROM guest_unread) = ${MESSAGES_A_GUEST * chats}
      THEN timestamp 'infinity'
    END AS "floor"
  ),
  ${lastOfAll(CLIENT_CHATS, request)},
  ${lastOfAll(GUEST_CHATS, request)}`

const lastOfAll = (kind: ChatKind, { message, wanted, hasPosition }: PartRequest): string => `
  ${kind.name}_floor AS (
    SELECT "floor" FROM unread_floor
  ), ${kind.name}_last AS MATERIALIZED (
    SELECT r."chat", last."at"
    FROM ${kind.name}_read AS r
    CROSS JOIN LATERAL (
      SELECT "createdAt" AS "at" FROM ${message} WHERE ${isOfChat(kind, 'r."chat"')} ORDER BY "createdAt" DESC LIMIT 1
    ) AS last
    WHERE (SELECT "floor" FROM unread_floor) IS NULL
      ${hasPosition ? `AND ${isBefore(message, kind, 'r."chat"', 'last."at"')}` : ''}
    ORDER BY last."at" DESC
    FETCH FIRST ${wanted} ROWS WITH TIES
  )`
