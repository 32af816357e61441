import { isBefore, isOfChat, type ChatKind } from './kinds.js'

/** What the parts of a statement for recent chats are made of. */
export interface ScanRequest {
  /** The qualified name of the table of messages. */
  readonly message: string
  readonly kind: ChatKind
  /** How many rows are read. */
  readonly rows: number
  /** How many chats are wanted. */
  readonly wanted: number
  /** Whether the parameters 1 and 2 are the instant and id before which the page begins. */
  readonly hasPosition: boolean
}

/**
 * SQL for the chats whose last message is among the newest messages, as common table expressions:
 * `<kind>_read` has the rows that were read, `<kind>_floor` where they end, `<kind>_last` the chats. The messages of the
 * oldest instant do not count, unless these are all there are: more of that instant may follow.
 *
 * A chat's newest message among them is its last one when the index of its own messages has none later. The subquery with
 * OFFSET 0 keeps its order, so chats are looked up newest first, and no more of them than are wanted.
 */
export const walkSql = ({ message, kind, rows, wanted, hasPosition }: ScanRequest): string => `
  ${kind.name}_read AS MATERIALIZED (
    SELECT "createdAt" AS "at", ${kind.column} AS "chat"
    FROM ${message}
    WHERE ${kind.condition}${hasPosition ? ' AND "createdAt" <= $1::timestamp' : ''}
    ORDER BY "createdAt" DESC NULLS LAST
    LIMIT ${rows}
  ), ${kind.name}_floor AS MATERIALIZED (
    SELECT CASE WHEN count(*) = ${rows} THEN min("at") END AS "floor" FROM ${kind.name}_read
  ), ${kind.name}_last AS MATERIALIZED (
    SELECT seen."chat", seen."at"
    FROM (
      SELECT r."chat", max(r."at") AS "at"
      FROM ${kind.name}_read AS r, ${kind.name}_floor AS f
      WHERE r."chat" IS NOT NULL AND (f."floor" IS NULL OR r."at" > f."floor")
      GROUP BY r."chat"
      ORDER BY 2 DESC
      OFFSET 0
    ) AS seen
    WHERE (
      SELECT true FROM ${message}
      WHERE ${isOfChat(kind, 'seen."chat"')} AND "createdAt" > seen."at"
      LIMIT 1) IS NULL
      ${hasPosition ? `AND ${isBefore(message, kind, 'seen."chat"', 'seen."at"')}` : ''}
    ORDER BY seen."at" DESC
    FETCH FIRST ${wanted} ROWS WITH TIES
  )`
