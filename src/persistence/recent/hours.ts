import { isBefore, isOfChat, isWanted, type ChatKind, type PartRequest } from './kinds.js'
import { restOfHourSql } from './rest-of-hour.js'

/** SQL for the hour of a message, as its index has it. */
const HOUR = `date_trunc('hour', "createdAt")`

/**
 * SQL for the chats of one kind, with the names of `walkSql`, from the pairs of an hour and a chat that wrote in it, newest
 * hours first. The index has them in order, and each pair is one descent that leaps over all messages of the chat in that
 * hour, however many they are. Of the oldest hour more chats may follow: where the whole hours do not have enough, the
 * newest messages of that hour are read as well.
 *
 * A chat counts in the hour of its last message, and nowhere else.
 */
export const hoursSql = (kind: ChatKind, request: PartRequest, rows: number): string => `
  ${kind.name}_pair AS (${pairsSql(kind, request)}
  ), ${kind.name}_read AS MATERIALIZED (
    SELECT "hour", "chat" FROM ${kind.name}_pair LIMIT ${rows}
  ), ${kind.name}_whole_floor AS MATERIALIZED (
    SELECT CASE WHEN count(*) = ${rows} THEN min("hour") + interval '1 hour' - interval '1 microsecond' END AS "floor"
    FROM ${kind.name}_read
  ), ${kind.name}_whole_last AS MATERIALIZED (${lastOfWholeHours(kind, request)}
  ),
  ${restOfHourSql(kind, request, rows)},
  ${kind.name}_floor AS MATERIALIZED (
    SELECT coalesce((SELECT "floor" FROM ${kind.name}_rest_floor), (SELECT "floor" FROM ${kind.name}_whole_floor)) AS "floor"
  ), ${kind.name}_last AS MATERIALIZED (
    SELECT "chat", "at" FROM ${kind.name}_whole_last
    UNION ALL
    SELECT "chat", "at" FROM ${kind.name}_rest_last
    ORDER BY "at" DESC
    FETCH FIRST ${request.wanted} ROWS WITH TIES
  )`

const pairsSql = (kind: ChatKind, { message, hasPosition }: PartRequest): string => `
    SELECT newest."hour", newest."chat"
    FROM (${newestPair(message, kind, hasPosition ? `${HOUR} <= date_trunc('hour', $1::timestamp)` : 'true')}) AS newest
    UNION ALL
    SELECT next."hour", next."chat"
    FROM ${kind.name}_pair AS p
    CROSS JOIN LATERAL (
      (SELECT p."hour", ${kind.column} AS "chat"
       FROM ${message}
       WHERE ${kind.hourCondition} AND ${HOUR} = p."hour" AND ${kind.column} < p."chat"
       ORDER BY ${kind.column} DESC
       LIMIT 1)
      UNION ALL
      (${newestPair(message, kind, `${HOUR} < p."hour"`)})
      LIMIT 1
    ) AS next`

// In an hour that only has messages without client or guest the chat is NULL, and the scan continues in the hour before.
const newestPair = (message: string, { column, hourCondition }: ChatKind, hours: string): string => `
        SELECT h."hour", (
          SELECT ${column} FROM ${message}
          WHERE ${hourCondition} AND ${HOUR} = h."hour" AND ${column} IS NOT NULL
          ORDER BY ${column} DESC
          LIMIT 1) AS "chat"
        FROM (SELECT ${HOUR} AS "hour" FROM ${message} WHERE ${hourCondition} AND ${hours} ORDER BY 1 DESC LIMIT 1) AS h`

const lastOfWholeHours = (kind: ChatKind, request: PartRequest): string => `
    SELECT seen."chat", last."at"
    FROM (
      SELECT r."chat", max(r."hour") AS "hour"
      FROM ${kind.name}_read AS r, ${kind.name}_whole_floor AS f
      WHERE r."chat" IS NOT NULL AND (f."floor" IS NULL OR r."hour" > f."floor")
      GROUP BY r."chat"
    ) AS seen
    CROSS JOIN LATERAL (
      SELECT "createdAt" AS "at" FROM ${request.message} WHERE ${isOfChat(kind, 'seen."chat"')} ORDER BY "createdAt" DESC LIMIT 1
    ) AS last
    WHERE date_trunc('hour', last."at") = seen."hour"
      AND ${isWanted(request, kind, 'seen."chat"')}
      ${request.hasPosition ? `AND ${isBefore(request.message, kind, 'seen."chat"', 'last."at"')}` : ''}
    ORDER BY last."at" DESC
    FETCH FIRST ${request.wanted} ROWS WITH TIES`
