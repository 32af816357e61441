import { checkLimit, rowsToRead } from './contact.js'
import { cursorSql, parseCursor, type Position } from './cursor.js'
import type { ChatMessage } from './message.js'
import { periodOf, type Names, type ReadSession } from './sql-names.js'
import { MESSAGE_COLUMNS, toChatMessage } from './stored-message.js'

export interface RecentChatsQuery {
  /** Chats a page, 1 to 200; 50 when absent. */
  readonly limit?: number | undefined
  /** Cursor: returns chats whose last message is older. */
  readonly before?: string | undefined
  /** Most bytes of texts and images in a page, which then has fewer chats, but at least one if there is one. Unlimited when absent. */
  readonly maxBytes?: number | undefined
}

export interface RecentChat {
  /** Null for a guest whose messages are not linked to a client. */
  readonly clientId: number | null
  /** The client's user name, or the guest's. */
  readonly username: string
  readonly phone: string | null
  readonly lastMessage: ChatMessage
  /** Unread messages from the client's side, counted up to 1,000. */
  readonly unreadCount: number
}

export interface RecentChatsPage {
  /** Newest message first. */
  readonly chats: readonly RecentChat[]
  /** Pass as `before` to get older chats; null when there are none. */
  readonly nextBefore: string | null
}

type RecentRow = ChatMessage & {
  readonly listedAt: Date
  readonly cursor: string
  readonly username: string
  readonly phone: string | null
  readonly unreadCount: number
}

interface CandidateCount {
  readonly candidates: number
}

/** A chat's unread messages are counted up to this number: a chat with a million does not slow the list. */
const MOST_UNREAD_COUNTED = 1_000

/** Reads one page of the chats of registered clients and of guests without client, most recently active first. */
export const readRecentChats = async (session: ReadSession, query: RecentChatsQuery): Promise<RecentChatsPage> => {
  const limit = checkLimit(query.limit ?? 50)
  const position = query.before === undefined ? undefined : parseCursor(query.before)
  const rows = await findPage(session, rowsToRead(limit), position)
  const page = rows.slice(0, Math.min(limit, countFitting(rows, query.maxBytes ?? Infinity)))
  return {
    chats: page.map((row) => ({
      clientId: row.clientId,
      username: row.username,
      phone: row.phone,
      lastMessage: toChatMessage(row),
      unreadCount: row.unreadCount,
    })),
    nextBefore: rows.length > page.length ? (page.at(-1)?.cursor ?? null) : null,
  }
}

const countFitting = (rows: readonly RecentRow[], maxBytes: number): number => {
  let bytes = 0
  const tooMany = rows.findIndex(({ text, imageUrl }, place) => {
    bytes += Buffer.byteLength(text ?? '') + Buffer.byteLength(imageUrl ?? '')
    return place > 0 && bytes > maxBytes
  })
  return tooMany === -1 ? rows.length : tooMany
}

// Some rows of the list are superseded by later ones; when the page is not full because of them, more candidates are read.
const findPage = async (
  { db, names, statements }: ReadSession,
  wanted: number,
  position: Position | undefined,
): Promise<readonly RecentRow[]> => {
  for (let candidateLimit = wanted; ; candidateLimit *= 4) {
    const { rows } = await statements.query<(RecentRow | { readonly id: null }) & CandidateCount>(
      db,
      recentSql(names, wanted, candidateLimit, position !== undefined),
      position === undefined ? [] : [position.createdAt, position.id],
    )
    const page = rows.filter((row) => row.id !== null)
    if (page.length === wanted || (rows[0]?.candidates ?? 0) < candidateLimit) return page
  }
}

/**
 * The list has, for each chat, the period of its last activity or an earlier one; the index on the messages finds the last
 * message. A row is superseded when a later row has the same chat. A row whose last message was deleted still represents
 * its chat, so no chat is missing.
 */
const recentSql = (
  { client, message, chats }: Names,
  wanted: number,
  candidateLimit: number,
  hasPosition: boolean,
): string => `
  WITH candidate AS MATERIALIZED (
    ${hasPosition ? `SELECT "chat", "period" FROM ${chats} WHERE "period" = ${periodOf('$1::timestamp')} UNION ALL` : ''}
    (SELECT "chat", "period"
     FROM ${chats}
     ${hasPosition ? `WHERE "period" < ${periodOf('$1::timestamp')}` : ''}
     ORDER BY "period" DESC
     FETCH FIRST ${candidateLimit} ROWS WITH TIES)
  ), chat AS (
    SELECT "chat", max("period") AS "period",
      CASE WHEN "chat" ~ '^c[0-9]{1,18}$' THEN substr("chat", 2)::bigint END AS "clientId",
      CASE WHEN "chat" LIKE 'g%' THEN substr("chat", 2) END AS "guest"
    FROM candidate
    GROUP BY "chat"
  ), page AS (
    SELECT chat."clientId", chat."guest", last."id", greatest(last."createdAt", chat."period") AS "listedAt"
    FROM chat
    CROSS JOIN LATERAL (
      (${lastOf(message, `"clientId" = chat."clientId"`)})
      UNION ALL
      (${lastOf(message, `"clientId" IS NULL AND "guestUsername" = chat."guest"`)})
    ) AS last
    ${hasPosition ? `WHERE ${isLatest(chats)} AND (greatest(last."createdAt", chat."period"), last."id") < ($1::timestamp, $2::integer)` : ''}
    ORDER BY "listedAt" DESC, last."id" DESC
    LIMIT ${wanted}
  )
  SELECT (SELECT count(*)::integer FROM candidate) AS "candidates", found.*
  FROM (VALUES (1)) AS one
  LEFT JOIN (
    SELECT ${MESSAGE_COLUMNS}, page."listedAt", ${cursorSql('page."listedAt"')} AS "cursor",
      coalesce(c."username", page."guest") AS "username",
      CASE WHEN c."id" IS NULL THEN m."guestPhone" ELSE c."phone" END AS "phone",
      (SELECT count(*)::integer
       FROM (
         (SELECT FROM ${message} AS u
          WHERE u."clientId" = page."clientId" AND NOT u."isRead" AND u."senderType" = 'CLIENT'
          LIMIT ${MOST_UNREAD_COUNTED})
         UNION ALL
         (SELECT FROM ${message} AS u
          WHERE u."clientId" IS NULL AND u."guestUsername" = page."guest" AND NOT u."isRead" AND u."senderType" = 'CLIENT'
          LIMIT ${MOST_UNREAD_COUNTED})
       ) AS unread
      ) AS "unreadCount"
    FROM page
    JOIN ${message} AS m ON m."id" = page."id"
    LEFT JOIN ${client} AS c ON c."id" = page."clientId"
  ) AS found ON true
  ORDER BY found."listedAt" DESC, found."id" DESC`

// ORDER BY both columns would read and sort some thirty messages of the chat.
const lastOf = (message: string, condition: string): string => `
        SELECT m."id", m."createdAt"
        FROM ${message} AS m
        WHERE ${condition}
          AND m."createdAt" = (SELECT "createdAt" FROM ${message} WHERE ${condition} ORDER BY "createdAt" DESC LIMIT 1)
        ORDER BY m."id" DESC
        LIMIT 1`

// A later row puts the chat on an earlier page. Needed only with a position.
const isLatest = (chats: string): string => `(
        SELECT true FROM ${chats} AS later WHERE later."chat" = chat."chat" AND later."period" > chat."period" LIMIT 1
      ) IS NULL`
