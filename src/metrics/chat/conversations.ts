import { UTC_NOW } from '../../persistence/sql-names.js'
import { within, type Source, type Window } from '../metric.js'

/** A client's message that no operator answered for this long leaves its conversation unanswered. */
const UNANSWERED_AFTER = '15 minutes'

const CLIENT = `"senderType" = 'CLIENT'`
const OPERATOR = `"senderType" = 'OPERATOR'`

/** The end of a window, or now if it has none yet. */
export const endOf = ({ until }: Window): string => `least(${until}, ${UTC_NOW})`

/**
 * True of no row. Joined by OR, it leaves the planner a bitmap scan of the index, but no plain index scan, which it prefers because
 * the rows lie in the order of their time: that one locks the page anew for each row, and takes half as long again.
 */
const never = ({ since, until }: Window): string => `"createdAt" = ${since} AND "createdAt" > ${until}`

/**
 * One row for each conversation with a message in the window: that of a client, or of a guest name without client. Messages
 * with neither share a row. Counts are integers, whose sum needs no numeric. A database that was migrated by hand may lack
 * "guestUnverified": the name then finds the NULL of `absent`. OFFSET 0 keeps "hasClient" from being looked up for each use.
 */
export const conversations: Source = {
  reads: '"ChatMessage_createdAt_clientId_idx"',
  rows: ({ message, client }, window) => `
    SELECT c.*, CASE WHEN c."clientId" IS NULL AND c."guest" IS NOT NULL THEN
        (SELECT k."id" FROM ${client} AS k WHERE k."username"::text = c."guest" LIMIT 1) IS NOT NULL
      END AS "hasClient"
    FROM (
      SELECT "clientId", CASE WHEN "clientId" IS NULL THEN "guestUsername" END AS "guest",
        count(*)::integer AS "messages",
        count("guestUsername")::integer AS "guestMessages",
        sum(m."guestUnverified"::integer)::integer AS "unverified",
        (count(*) FILTER (WHERE ${CLIENT}))::integer AS "fromClient",
        (count(*) FILTER (WHERE ${OPERATOR}))::integer AS "fromOperator",
        min("createdAt") FILTER (WHERE ${CLIENT}) AS "firstFromClient",
        min("createdAt") FILTER (WHERE ${OPERATOR}) AS "firstFromOperator",
        max("createdAt") FILTER (WHERE ${OPERATOR}) AS "lastFromOperator",
        max("createdAt") FILTER (WHERE ${CLIENT} AND "createdAt" <= (SELECT ${endOf(window)} - interval '${UNANSWERED_AFTER}')) AS "lastDue",
        min("createdAt") FILTER (WHERE ${CLIENT} AND NOT "isRead") AS "firstUnread"
      FROM (SELECT NULL::boolean AS "guestUnverified") AS absent
      CROSS JOIN LATERAL (
        SELECT "clientId", "guestUsername"::text, "senderType", "createdAt", "isRead", "guestUnverified"
        FROM ${message} WHERE ${within('"createdAt"', window)} OR ${never(window)}
      ) AS m
      GROUP BY 1, 2
    ) AS c
    OFFSET 0`,
}
