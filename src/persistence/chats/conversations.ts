import type { Queryable } from '../../database/connection.js'
import { utcText } from '../ids/utc-text.js'
import type { Names } from '../sql-names.js'
import type { KnownClient } from './known-client.js'
import { isOfSource, type Source } from './sources.js'

/** Messages of each source among which its conversations are looked for: a chat of a million costs no more than this. */
const MOST_READ = 500

const MOST_CONVERSATIONS = 20

interface ConversationSearch {
  readonly db: Queryable
  readonly names: Names
  readonly at?: Date | undefined
}

/**
 * The conversations that an answer to a chat may go to, the newest first. A visitor who typed the name of a registered client
 * must not read what is meant for that client: of its conversations only those count in which the client wrote with proof.
 * Those in which another client used the same name never count, nor do those in which only operators wrote, unless nobody else
 * wrote in the chat: an operator may have greeted a visitor who has the same name. At an instant, clients who were merged after it
 * have each their own.
 */
export const readConversations = async (
  { db, names, at }: ConversationSearch,
  sources: readonly Source[],
  client: Pick<KnownClient, 'id' | 'isGuest' | 'idThen'> | undefined,
): Promise<readonly string[]> => {
  const isOfOneThen = at !== undefined && client?.idThen !== undefined
  const { rows } = await db.query<{ sessionId: string }>(
    conversationsSql(names, sources, { needsProof: client?.isGuest === false, isAsOf: at !== undefined, isOfOneThen }),
    [
      ...sources.map(({ value }) => value),
      client?.id ?? null,
      ...(at === undefined ? [] : [utcText(at)]),
      ...(isOfOneThen ? [client.idThen] : []),
    ],
  )
  return rows.map(({ sessionId }) => sessionId)
}

interface Which {
  readonly needsProof: boolean
  readonly isAsOf: boolean
  /** Whether those count that were of one client at the instant; of its messages those that were not moved by a merge since. */
  readonly isOfOneThen: boolean
}

const conversationsSql = (
  names: Names,
  sources: readonly Source[],
  { needsProof, isAsOf, isOfOneThen }: Which,
): string => `
  SELECT conversation."sessionId"
  FROM (
  SELECT late."sessionId", max(late."createdAt") AS "at", bool_or(late."isWritten") AS "isWritten",
    bool_or(late."isProven")${needsProof ? '' : ' OR NOT bool_or(late."guestUnverified")'} AS "counts",
    bool_or(bool_or(late."isWritten")) OVER () AS "isAnyWritten"
  FROM (${sources
    .map(
      (source, index) => `
    (SELECT m."id", m."sessionId", m."createdAt", m."clientId", m."guestUnverified", ${WRITTEN} AS "isWritten", ${PROVEN} AS "isProven"
     FROM ${names.message} AS m
     WHERE ${isOfSource(source, `$${index + 1}`)}${isAsOf ? ` AND m."createdAt" <= $${sources.length + 2}::timestamp` : ''}
     ORDER BY m."createdAt" DESC
     LIMIT ${MOST_READ})`,
    )
    .join(' UNION ALL ')}
  ) AS late${isOfOneThen ? movedJoin(names, `$${sources.length + 1}`, `$${sources.length + 2}`) : ''}
  WHERE coalesce(late."clientId" = $${sources.length + 1}::bigint, true)
  GROUP BY late."sessionId"${isOfOneThen ? ofOneThen(`$${sources.length + 1}`, `$${sources.length + 3}`) : ''}) AS conversation
  WHERE conversation."sessionId" IS NOT NULL AND conversation."counts"
    AND (conversation."isWritten" OR NOT conversation."isAnyWritten")
  ORDER BY conversation."at" DESC, conversation."sessionId"
  LIMIT ${MOST_CONVERSATIONS}`

/** Whose a message was at the instant, if a merge has moved it since. OFFSET keeps the planner from reading all moves. */
const movedJoin = ({ mergedClients, movedMessages }: Names, client: string, at: string): string => `
  LEFT JOIN (
    SELECT DISTINCT ON (moved."id") moved."id", moved."clientId"
    FROM (
      SELECT g."clientId", late."at", unnest(late."messageIds") AS "id"
      FROM ${mergedClients} AS g, LATERAL (
        SELECT n."at", n."messageIds" FROM ${movedMessages} AS n
        WHERE n."clientId" = g."clientId" AND n."at" > ${at}::timestamp AT TIME ZONE 'UTC'
        OFFSET 0) AS late
      WHERE g."intoClientId" = ${client}::bigint) AS moved
    ORDER BY moved."id", moved."at") AS moved ON moved."id" = late."id"`

const ofOneThen = (client: string, idThen: string): string => `
  HAVING coalesce(bool_or(moved."clientId" = ${idThen}::bigint), ${client}::bigint = ${idThen}::bigint)`

const WRITTEN = `(m."senderType" OPERATOR(pg_catalog.=) 'CLIENT')`

// What is not linked yet may be of a name that turns out to be a registered client's.
const PROVEN = `(${WRITTEN} AND m."clientId" IS NOT NULL AND NOT m."guestUnverified")`
