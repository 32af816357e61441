import { CLIENT_CHATS, GUEST_CHATS, isBefore, isOfChat, isWanted, type ChatKind, type PartRequest } from './kinds.js'

/**
 * SQL for the chats whose last message is among the newest `rows` messages, as common table expressions for each kind:
 * `<kind>_read` has the rows that were read, `<kind>_floor` where they end, `<kind>_last` the chats. The messages of the
 * oldest instant do not count, unless these are all there are: more of that instant may follow.
 *
 * The position is in a subquery, so that the planner cannot see its value: with the value it expects fewer pages a row, and
 * plans every page anew, which takes longer than to read it.
 */
export const walkSql = (request: PartRequest, rows: number): string => `
  walk AS MATERIALIZED (
    SELECT "createdAt" AS "at", "clientId", "guestUsername"
    FROM ${request.message}
    ${request.hasPosition ? 'WHERE "createdAt" <= (SELECT $1::timestamp)' : ''}
    ORDER BY "createdAt" DESC NULLS LAST
    LIMIT ${rows}
  ), walk_floor AS MATERIALIZED (
    SELECT CASE WHEN count(*) = ${rows} THEN min("at") END AS "floor" FROM walk
  ),
  ${kindOfWalk(CLIENT_CHATS, request)},
  ${kindOfWalk(GUEST_CHATS, request)}`

const kindOfWalk = (kind: ChatKind, request: PartRequest): string => `
  ${kind.name}_read AS NOT MATERIALIZED (
    SELECT "at", ${kind.column} AS "chat" FROM walk WHERE ${kind.condition}
  ), ${kind.name}_floor AS (
    SELECT "floor" FROM walk_floor
  ), ${kind.name}_last AS MATERIALIZED (${lastOfRead(kind, `${kind.name}_read`, `${kind.name}_floor`, request)})`

/**
 * SQL for the wanted chats whose last message is among rows of messages, above their floor. A chat's newest message among them is
 * its last one when the index of its own messages has none later. The subquery with OFFSET 0 keeps its order, so chats are
 * looked up newest first, and no more of them than are wanted.
 */
export const lastOfRead = (kind: ChatKind, read: string, floor: string, request: PartRequest): string => `
    SELECT seen."chat", seen."at"
    FROM (
      SELECT r."chat", max(r."at") AS "at"
      FROM ${read} AS r, ${floor} AS f
      WHERE r."chat" IS NOT NULL AND (f."floor" IS NULL OR r."at" > f."floor")
      GROUP BY r."chat"
      ORDER BY 2 DESC
      OFFSET 0
    ) AS seen
    WHERE (
      SELECT true FROM ${request.message}
      WHERE ${isOfChat(kind, 'seen."chat"')} AND "createdAt" > seen."at"
      ORDER BY "createdAt" DESC
      LIMIT 1) IS NULL
      AND ${isWanted(request, kind, 'seen."chat"')}
      ${request.hasPosition ? `AND ${isBefore(request.message, kind, 'seen."chat"', 'seen."at"')}` : ''}
    ORDER BY seen."at" DESC
    FETCH FIRST ${request.wanted} ROWS WITH TIES`
