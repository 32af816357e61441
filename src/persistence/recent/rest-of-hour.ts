import type { ChatKind, PartRequest } from './kinds.js'
import { lastOfRead } from './walk.js'

/** Enough of an hour's newest messages to tell who floods it. */
const SAMPLE = 512

/** A chat with this many of the sample floods the hour: at most eight do. */
const FLOOD = 64

/**
 * SQL for the chats of the hour in which a scan by hours ended, where its whole hours do not have enough chats, as
 * `<kind>_rest_floor` and `<kind>_rest_last`. An hour of many chats is read by time: a sample of its newest messages, then
 * `rows` of those of chats that do not flood it. The index passes over a message of a flood in a fiftieth of the time that
 * a pair of an hour and a chat takes.
 */
export const restOfHourSql = (kind: ChatKind, request: PartRequest, rows: number): string => `
  ${kind.name}_rest AS MATERIALIZED (
    SELECT date_trunc('hour', f."floor") AS "begin", f."floor" AS "end"
    FROM ${kind.name}_whole_floor AS f
    WHERE f."floor" IS NOT NULL AND (SELECT count(*) FROM ${kind.name}_whole_last) < ${request.wanted}
  ), ${kind.name}_sample AS MATERIALIZED (${newestOfHour(kind, request, SAMPLE)}
  ), ${kind.name}_flood AS MATERIALIZED (
    SELECT "chat" FROM ${kind.name}_sample GROUP BY "chat" HAVING count(*) >= ${FLOOD}
  ), ${kind.name}_others AS MATERIALIZED (${newestOfHour(kind, request, rows, `AND ${kind.column} <> ALL (ARRAY(SELECT "chat" FROM ${kind.name}_flood))`)}
  ), ${kind.name}_rest_floor AS MATERIALIZED (
    SELECT CASE WHEN count(o."at") = ${rows} THEN min(o."at") ELSE r."begin" - interval '1 microsecond' END AS "floor"
    FROM ${kind.name}_rest AS r
    LEFT JOIN ${kind.name}_others AS o ON true
    GROUP BY r."begin"
  ), ${kind.name}_rest_last AS MATERIALIZED (${lastOfRead(kind, `(TABLE ${kind.name}_sample UNION ALL TABLE ${kind.name}_others)`, `${kind.name}_rest_floor`, request)})`

// From no rest nothing is read: a comparison with NULL finds nothing.
const newestOfHour = (
  { name, column, condition }: ChatKind,
  { message, hasPosition }: PartRequest,
  rows: number,
  others = '',
): string => `
    SELECT "createdAt" AS "at", ${column} AS "chat"
    FROM ${message}
    WHERE ${condition} AND ${column} IS NOT NULL ${others}
      AND "createdAt" >= (SELECT "begin" FROM ${name}_rest) AND "createdAt" <= (SELECT "end" FROM ${name}_rest)
      ${hasPosition ? 'AND "createdAt" <= $1::timestamp' : ''}
    ORDER BY "createdAt" DESC NULLS LAST
    LIMIT ${rows}`
