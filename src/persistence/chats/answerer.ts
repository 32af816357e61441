import type { Queryable } from '../../database/connection.js'
import { isOfContact } from '../contact.js'
import { toIdOrNull, type StoredId } from '../ids/ids.js'
import { utcText } from '../ids/utc-text.js'
import { usableName } from '../prepare-message.js'
import type { Names } from '../sql-names.js'

/** The client or guest with whom an answer to a chat is stored. */
export interface Answerer {
  /** Null for a guest without client. */
  readonly clientId: number | null
  /** The guest's name; null where there is none to store. */
  readonly guestUsername: string | null
}

/** Messages among which the one that tells is looked for: more would cost too much where an application puts all into one conversation. */
const MOST_READ = 500

/**
 * Whose a conversation is: the client or guest of its last message from the client's side that names one, else of the last answer
 * that does. Messages that were stored with the conversation alone name nobody.
 * @returns undefined when it has no messages; without client or guest when none of them names one
 */
export const readAnswerer = async (
  { db, names, at }: { readonly db: Queryable; readonly names: Names; readonly at?: Date | undefined },
  sessionId: string,
): Promise<Answerer | undefined> => {
  const { rows } = await db.query<{ clientId: StoredId | null; guestUsername: string | null }>(
    answererSql(names, at !== undefined),
    [sessionId, ...(at === undefined ? [] : [utcText(at)])],
  )
  const [row] = rows
  return row && { clientId: toIdOrNull(row.clientId), guestUsername: usableName(row.guestUsername) }
}

const NAMED = `(late."clientId" IS NOT NULL OR pg_catalog.btrim(late."guestUsername"::text) OPERATOR(pg_catalog.<>) '')`

// Each branch reads only until its first row.
const answererSql = (names: Names, isAsOf: boolean): string => `
  SELECT found."clientId", found."guestUsername"
  FROM (
    ${[`late."senderType" OPERATOR(pg_catalog.=) 'CLIENT' AND ${NAMED}`, NAMED, 'true']
      .map((condition, rank) => lastSql(names, { isAsOf, condition, rank }))
      .join(' UNION ALL ')}
  ) AS found
  ORDER BY found."rank"
  LIMIT 1`

interface Branch {
  readonly isAsOf: boolean
  readonly condition: string
  readonly rank: number
}

const lastSql = ({ message }: Names, { isAsOf, condition, rank }: Branch): string => `
    (SELECT ${rank} AS "rank", late."clientId", late."guestUsername"
     FROM (
       SELECT m."clientId", m."guestUsername", m."senderType", m."createdAt", m."id"
       FROM ${message} AS m
       WHERE ${isOfContact('sessionId')}${isAsOf ? ' AND m."createdAt" <= $2::timestamp' : ''}
       ORDER BY m."createdAt" DESC, m."id" DESC
       LIMIT ${MOST_READ}) AS late
     WHERE ${condition}
     ORDER BY late."createdAt" DESC, late."id" DESC
     LIMIT 1)`
