import type { Queryable } from '../database/connection.js'
import { checkLimit } from './contact.js'
import { CURSOR_SQL, parseCursor } from './cursor.js'
import type { ChatMessage } from './message.js'
import { MESSAGE_COLUMNS, type Names } from './statements.js'

export interface RecentChatsQuery {
  /** Chats a page, 1 to 200; 50 when absent. */
  readonly limit?: number | undefined
  /** Cursor: the page of chats whose last message is older. */
  readonly before?: string | undefined
}

export interface RecentChat {
  /** Null for a guest whose messages are not linked to a client (yet). */
  readonly clientId: number | null
  /** The client's user name, or the guest's. */
  readonly username: string
  readonly phone: string | null
  readonly lastMessage: ChatMessage
  /** Messages from the client's side that no operator has marked as read. */
  readonly unreadCount: number
}

export interface RecentChatsPage {
  /** The chat with the newest message first. */
  readonly chats: readonly RecentChat[]
  readonly nextBefore: string | null
}

type RecentRow = ChatMessage & {
  readonly cursor: string
  readonly username: string
  readonly phone: string | null
  readonly unreadCount: number
}

/** The chats of registered clients and of guests without client, the one that was active last first. */
export const readRecentChats = async (
  db: Queryable,
  names: Names,
  query: RecentChatsQuery,
): Promise<RecentChatsPage> => {
  const limit = checkLimit(query.limit ?? 50)
  const position = query.before === undefined ? undefined : parseCursor(query.before)
  const { rows } = await db.query<RecentRow>(recentSql(names), [
    limit + 1,
    position?.createdAt ?? null,
    position?.id ?? null,
  ])
  const page = rows.slice(0, limit)
  return {
    chats: page.map(({ cursor: _cursor, username, phone, unreadCount, ...lastMessage }) => ({
      clientId: lastMessage.clientId,
      username,
      phone,
      lastMessage,
      unreadCount,
    })),
    nextBefore: rows.length > limit ? (page.at(-1)?.cursor ?? null) : null,
  }
}

const recentSql = ({ client, message }: Names): string => `
  WITH last AS (
    (SELECT DISTINCT ON ("clientId") "id", "createdAt", "clientId", NULL AS "guest"
     FROM ${message}
     WHERE "clientId" IS NOT NULL
     ORDER BY "clientId", "createdAt" DESC, "id" DESC)
    UNION ALL
    (SELECT DISTINCT ON ("guestUsername") "id", "createdAt", NULL, "guestUsername"
     FROM ${message}
     WHERE "clientId" IS NULL AND "guestUsername" IS NOT NULL
     ORDER BY "guestUsername", "createdAt" DESC, "id" DESC)
  ), page AS (
    SELECT *
    FROM last
    WHERE $2::timestamp IS NULL OR ("createdAt", "id") < ($2::timestamp, $3::integer)
    ORDER BY "createdAt" DESC, "id" DESC
    LIMIT $1
  )
  SELECT ${MESSAGE_COLUMNS}, ${CURSOR_SQL} AS "cursor",
    coalesce(c."username", page."guest") AS "username",
    CASE WHEN c."id" IS NULL THEN m."guestPhone" ELSE c."phone" END AS "phone",
    (SELECT count(*)::integer
     FROM ${message} AS u
     WHERE u."senderType" = 'CLIENT' AND NOT u."isRead"
       AND (u."clientId" = page."clientId" OR (u."clientId" IS NULL AND u."guestUsername" = page."guest"))
    ) AS "unreadCount"
  FROM page
  JOIN ${message} AS m ON m."id" = page."id"
  LEFT JOIN ${client} AS c ON c."id" = page."clientId"
  ORDER BY m."createdAt" DESC, m."id" DESC`
