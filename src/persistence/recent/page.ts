import { cursorSql } from '../ids/cursor.js'
import { hoursSql } from './hours.js'
import { CLIENT_CHATS, GUEST_CHATS, isOfChat, lastIdOf, type ChatKind, type PartRequest } from './kinds.js'
import type { Scan } from './scan.js'
import { unreadWalkSql } from './unread-walk.js'
import { walkSql } from './walk.js'
import { UNREAD, type Names } from '../sql-names.js'
import { MESSAGE_COLUMNS } from '../stored-message.js'

/** What a page of recent chats is read with. */
export interface PageRequest extends Omit<PartRequest, 'message'> {
  readonly scan: Scan
}

/** A chat's unread messages are counted up to this number: a chat with a million does not slow the list. */
const MOST_UNREAD_COUNTED = 1_000

/**
 * SQL for a page: both kinds of chats, their newest merged, and the message, client and unread count of each. A scan has
 * found every chat whose last message is later than its floor, so the page is right when it is full above both floors.
 */
export const recentPageSql = ({ client, message }: Names, { scan, ...request }: PageRequest): string => `
  WITH RECURSIVE
  ${scanSql({ message, ...request }, scan)},
  newest AS MATERIALIZED (
    SELECT l."chat" AS "clientId", NULL AS "guest", l."at", ${lastIdOf(message, CLIENT_CHATS, 'l."chat"', 'l."at"')} AS "id"
    FROM client_last AS l
    UNION ALL
    SELECT NULL, l."chat", l."at", ${lastIdOf(message, GUEST_CHATS, 'l."chat"', 'l."at"')}
    FROM guest_last AS l
    ORDER BY "at" DESC, "id" DESC
    LIMIT ${request.wanted}
  ), oldest AS (
    SELECT CASE WHEN count(*) = ${request.wanted} THEN min("at") END AS "at" FROM newest
  ), progress AS MATERIALIZED (
    SELECT ${yieldSql(CLIENT_CHATS, scan)} AS "clientsYield", ${yieldSql(GUEST_CHATS, scan)} AS "guestsYield"
    FROM oldest
  )
  SELECT progress.*, found.*
  FROM progress
  LEFT JOIN (
    SELECT ${MESSAGE_COLUMNS}, n."at", ${cursorSql()} AS "cursor",
      coalesce(c."username", n."guest") AS "username",
      CASE
        WHEN c."id" IS NULL THEN m."guestPhone"
        WHEN c."phone" IS NULL AND NOT asked."guestUnverified" THEN asked."guestPhone"
        ELSE c."phone"
      END AS "phone",
      (n."clientId" IS NOT NULL AND coalesce(asked."guestUnverified", false)) AS "chatUnverified",
      CASE
        WHEN n."clientId" IS NULL THEN ${unreadSql(message, GUEST_CHATS, 'n."guest"')}
        ELSE ${unreadSql(message, CLIENT_CHATS, 'n."clientId"')}
      END AS "unreadCount",
      asked."conversations"
    FROM newest AS n
    JOIN ${message} AS m ON m."id" = n."id"
    LEFT JOIN ${client} AS c ON c."id" = n."clientId"
    CROSS JOIN LATERAL (${askedSql(message)}) AS asked
    WHERE (SELECT p."clientsYield" IS NULL AND p."guestsYield" IS NULL FROM progress AS p)
  ) AS found ON true
  ORDER BY found."at" DESC, found."id" DESC`

/** The client side's last message, and the conversations, are looked for among this many messages: a long monologue does not slow the list. */
const MOST_LOOKED_AT = 20

// Each once, in one pass; a chat has a name or a client. Conversations in which only operators wrote come last: they may have greeted a
// visitor who has the same name.
const askedSql = (message: string): string => `
      SELECT (pg_catalog.array_agg(late."guestPhone" ${NEWEST_FIRST}) FILTER (WHERE late."isAsked"))[1] AS "guestPhone",
        (pg_catalog.array_agg(late."guestUnverified" ${NEWEST_FIRST}) FILTER (WHERE late."isAsked"))[1] AS "guestUnverified",
        json_agg(late."sessionId" ORDER BY late."isWritten" DESC, late."createdAt" DESC)::text AS "conversations"
      FROM (
        SELECT newest.*, bool_or(newest."isAsked") OVER (PARTITION BY newest."sessionId") AS "isWritten"
        FROM (
          (${newestSql(message, CLIENT_CHATS, 'n."clientId"')})
          UNION ALL
          (${newestSql(message, GUEST_CHATS, 'n."guest"')})
        ) AS newest
      ) AS late`

const NEWEST_FIRST = 'ORDER BY late."createdAt" DESC'

const newestSql = (message: string, kind: ChatKind, chat: string): string => `
        SELECT "senderType" OPERATOR(pg_catalog.=) 'CLIENT' AS "isAsked", "guestPhone", "guestUnverified", "sessionId"::text AS "sessionId",
          "createdAt"
        FROM ${message}
        WHERE ${isOfChat(kind, chat)}
        ORDER BY "createdAt" DESC
        LIMIT ${MOST_LOOKED_AT}`

const unreadSql = (message: string, kind: ChatKind, chat: string): string => `(
          SELECT count(*)::integer
          FROM (
            SELECT FROM ${message}
            WHERE ${isOfChat(kind, chat)} AND ${UNREAD}
            LIMIT ${MOST_UNREAD_COUNTED}
          ) AS unread)`

const scanSql = (part: PartRequest, scan: Scan): string => {
  if (scan.by === 'unread') return unreadWalkSql(part, scan.chats)
  if (scan.by === 'message') return walkSql(part, scan.rows)
  return `${hoursSql(CLIENT_CHATS, part, scan.clients)},
  ${hoursSql(GUEST_CHATS, part, scan.guests)}`
}

// Only where it is of use: to count takes as long as to read. A walk over what is unread has all or nothing.
const yieldSql = ({ name }: ChatKind, { by }: Scan): string => `(
      SELECT ${
        by === 'unread'
          ? `json '{ "pairs": 0, "found": 0 }'`
          : `json_build_object(
        'pairs', (SELECT count(*) FROM (SELECT DISTINCT ${by === 'hour' ? '"hour"' : `date_trunc('hour', "at")`}, "chat" FROM ${name}_read) AS pair),
        'found', (SELECT count(*) FROM ${name}_last))`
      }
      FROM ${name}_floor AS f
      WHERE f."floor" >= oldest."at" OR (f."floor" IS NOT NULL AND oldest."at" IS NULL))`
