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
  /**
   * Age in seconds of the oldest unread message of the last 7 days in whose conversation no operator has written since; null
   * when there is none.
   */
  readonly unansweredS: number | null
  /** The same of the last 24 hours: who wrote before that no longer waits. */
  readonly unansweredTodayS: number | null
  /** There are so many messages that only the newest were looked at for these two. */
  readonly isUnansweredCapped: boolean
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
/** How many of the newest messages are looked at for one without an answer. */
const MOST_LOOKED_AT = 20_000

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

const ageOf = (instant: string): string => `round(extract(epoch FROM ${UTC_NOW} - ${instant}))::float`

// "ChatMessage_unread_idx" answers how many are unread, "ChatMessage_createdAt_clientId_idx" all else; NULLS LAST is this one
// read backwards.
const selectActivity = ({ message, senderType }: Names): string => {
  const countBetween = (from: string, to: string): string => `(
    SELECT count(*)::int4 FROM (
      SELECT FROM ${message} WHERE "createdAt" > ${from} AND "createdAt" <= ${to} LIMIT ${MOST_MESSAGES + 1}
    ) AS m)`
  const hourAround = (ago: string): string =>
    countBetween(`${UTC_NOW} - interval '${ago} 30 minutes'`, `${UTC_NOW} - interval '${ago} -30 minutes'`)
  return `
    WITH newest AS MATERIALIZED (
      SELECT "createdAt", "senderType", "isRead",
        coalesce('client ' || "clientId", 'guest ' || "guestUsername") AS "conversation"
      FROM ${message}
      WHERE "createdAt" > ${UTC_NOW} - interval '7 days' AND "createdAt" <= ${UTC_NOW}
      ORDER BY "createdAt" DESC NULLS LAST LIMIT ${MOST_LOOKED_AT}
    ), answers AS (
      SELECT "conversation", max("createdAt") AS "last" FROM newest
      WHERE "senderType" = 'OPERATOR'::${senderType} GROUP BY 1
    ), unanswered AS MATERIALIZED (
      SELECT n."createdAt" FROM newest AS n LEFT JOIN answers AS a USING ("conversation")
      WHERE NOT n."isRead" AND n."senderType" = 'CLIENT'::${senderType} AND n."conversation" IS NOT NULL
        AND n."createdAt" > coalesce(a."last", '-infinity')
    )
    SELECT ${ageOf(`(
        SELECT "createdAt" FROM ${message} WHERE "createdAt" <= ${UTC_NOW} ORDER BY "createdAt" DESC NULLS LAST LIMIT 1
      )`)} AS "lastMessageS",
      ${countBetween(`${UTC_NOW} - interval '${RECENT_MINUTES} minutes'`, UTC_NOW)} AS "recent",
      ${hourAround('1 day')} AS "yesterday",
      ${hourAround('7 days')} AS "lastWeek",
      (
        SELECT count(*)::int4 FROM (
          SELECT FROM ${message} WHERE NOT "isRead" AND "senderType" OPERATOR(pg_catalog.=) 'CLIENT' LIMIT ${MOST_UNREAD + 1}
        ) AS u
      ) AS "unread",
      ${ageOf('(SELECT min("createdAt") FROM unanswered)')} AS "unansweredS",
      ${ageOf(`(SELECT min("createdAt") FROM unanswered WHERE "createdAt" > ${UTC_NOW} - interval '24 hours')`)} AS "unansweredTodayS",
      (SELECT count(*) FROM newest) >= ${MOST_LOOKED_AT} AS "isUnansweredCapped"`
}
