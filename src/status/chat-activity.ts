import type { Queryable } from '../database/connection.js'
import { onlyRow } from '../database/rows.js'
import { namesIn, UTC_NOW, type Names } from '../persistence/sql-names.js'

/** What the stored messages say of a chat's life. */
export interface ChatActivity {
  /** Age of the newest message in seconds; null when there is none. Messages dated in the future do not count. */
  readonly lastMessageS: number | null
  /** Messages of the last ten minutes. */
  readonly recent: Capped
  /** Messages of the hour around this time of day, yesterday and a week ago. */
  readonly yesterday: Capped
  readonly lastWeek: Capped
  /** Unread messages of clients and guests. */
  readonly unread: Capped
  /** Age in seconds of the oldest of them that no operator has answered since; null when there is none. */
  readonly unansweredS: number | null
  /** The same of the last 24 hours: who wrote before that no longer waits. */
  readonly unansweredTodayS: number | null
}

/** A count that stops at a limit, so that it never takes long. */
export interface Capped {
  readonly count: number
  /** There are more. */
  readonly isCapped: boolean
}

export const RECENT_MINUTES = 10

const MOST_MESSAGES = 100_000
const MOST_UNREAD = 10_000
/** How many of the newest messages of a conversation are looked at for an answer. */
const MOST_ANSWERS = 200
/** How many conversations are looked at: those of the last day first, then those that have waited longest. */
const MOST_CONVERSATIONS = 1_000

type Counts = Pick<ChatActivity, 'recent' | 'yesterday' | 'lastWeek' | 'unread'>
type ActivityRow = Omit<ChatActivity, keyof Counts> & Readonly<Record<keyof Counts, number>>

/** Reads a chat's activity in the caller's transaction; how long that takes does not depend on the size of the tables. */
export const readChatActivity = async (client: Queryable, schema: string): Promise<ChatActivity> => {
  const row = onlyRow(await client.query<ActivityRow>(selectActivity(namesIn(schema))))
  return {
    ...row,
    recent: capped(row.recent, MOST_MESSAGES),
    yesterday: capped(row.yesterday, MOST_MESSAGES),
    lastWeek: capped(row.lastWeek, MOST_MESSAGES),
    unread: capped(row.unread, MOST_UNREAD),
  }
}

const capped = (count: number, most: number): Capped => ({ count: Math.min(count, most), isCapped: count > most })

const A_DAY_AGO = `${UTC_NOW} - interval '24 hours'`

const ageOf = (instant: string): string => `round(extract(epoch FROM ${UTC_NOW} - ${instant}))::float`

// "ChatMessage_createdAt_clientId_idx" answers the first four, "ChatMessage_unread_idx" the last two. NULLS LAST: that is
// the first of these indexes, read backwards.
const selectActivity = ({ message, senderType }: Names): string => {
  const countBetween = (from: string, to: string): string => `(
    SELECT count(*)::int4 FROM (
      SELECT FROM ${message} WHERE "createdAt" > ${from} AND "createdAt" <= ${to} LIMIT ${MOST_MESSAGES + 1}
    ) AS m)`
  const hourAround = (ago: string): string =>
    countBetween(`${UTC_NOW} - interval '${ago} 30 minutes'`, `${UTC_NOW} - interval '${ago} -30 minutes'`)
  // The LIMIT keeps the planner from joining the unread messages with all answers.
  const lastAnswer = (isOfConversation: string): string => `
    SELECT max(a."createdAt") AS "at" FROM (
      SELECT m."createdAt", m."senderType" FROM ${message} AS m
      WHERE ${isOfConversation} AND m."createdAt" > c."first" ORDER BY m."createdAt" DESC LIMIT ${MOST_ANSWERS}
    ) AS a WHERE a."senderType" = 'OPERATOR'::${senderType}`
  return `
    WITH unread AS MATERIALIZED (
      SELECT "clientId", "guestUsername", "createdAt",
        coalesce('client ' || "clientId", 'guest ' || "guestUsername") AS "conversation"
      FROM ${message}
      WHERE NOT "isRead" AND "senderType" OPERATOR(pg_catalog.=) 'CLIENT' AND "createdAt" <= ${UTC_NOW}
      LIMIT ${MOST_UNREAD + 1}
    ), conversations AS MATERIALIZED (
      SELECT "conversation", min("clientId") AS "clientId", min("guestUsername") AS "guest", min("createdAt") AS "first"
      FROM unread WHERE "conversation" IS NOT NULL GROUP BY 1
      ORDER BY max("createdAt") < ${A_DAY_AGO}, 4 LIMIT ${MOST_CONVERSATIONS}
    ), unanswered AS MATERIALIZED (
      SELECT u."createdAt" FROM conversations AS c
      LEFT JOIN LATERAL (${lastAnswer('m."clientId" = c."clientId"')}) AS k ON c."clientId" IS NOT NULL
      LEFT JOIN LATERAL (${lastAnswer('m."guestUsername" = c."guest"')}) AS g ON c."clientId" IS NULL
      JOIN unread AS u USING ("conversation")
      WHERE u."createdAt" > coalesce(k."at", g."at", '-infinity')
    )
    SELECT ${ageOf(`(
        SELECT "createdAt" FROM ${message} WHERE "createdAt" <= ${UTC_NOW} ORDER BY "createdAt" DESC NULLS LAST LIMIT 1
      )`)} AS "lastMessageS",
      ${countBetween(`${UTC_NOW} - interval '${RECENT_MINUTES} minutes'`, UTC_NOW)} AS "recent",
      ${hourAround('1 day')} AS "yesterday",
      ${hourAround('7 days')} AS "lastWeek",
      (SELECT count(*)::int4 FROM unread) AS "unread",
      ${ageOf(`(SELECT min("createdAt") FROM unanswered)`)} AS "unansweredS",
      ${ageOf(`(SELECT min("createdAt") FROM unanswered WHERE "createdAt" > ${A_DAY_AGO})`)} AS "unansweredTodayS"`
}
