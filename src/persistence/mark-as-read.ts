import type { Queryable } from '../database/connection.js'
import { InvalidCall } from './errors.js'
import { isOfContact, toContactFilter, type ContactFilter } from './contact.js'
import { isId } from './ids/ids.js'
import { UTC_NOW, type Names } from './sql-names.js'

export interface MarkAsReadQuery {
  readonly clientId?: number | undefined
  readonly guestUsername?: string | undefined
  /** One conversation, whatever contacts wrote in it. */
  readonly sessionId?: string | undefined
  /** The operator who read them; null when not in "User". Not stored: the application's table has no column for it. */
  readonly operatorId: number | null
  /** The newest message that the operator has seen: those that follow it in the history stay unread. Nothing is marked if there is none of this id. */
  readonly upToMessageId?: number | undefined
}

/**
 * Marks messages from the client's side as read.
 * @returns the number of messages that changed
 */
export const markAsRead = async (db: Queryable, names: Names, query: MarkAsReadQuery): Promise<number> => {
  const filter = toContactFilter(query)
  const { upToMessageId } = query
  if (upToMessageId !== undefined && !isId(upToMessageId)) throw invalidUpTo(upToMessageId)
  const { rowCount } = await db.query(
    markSql(names, filter.column, upToMessageId !== undefined),
    upToMessageId === undefined ? [filter.value] : [filter.value, upToMessageId],
  )
  return rowCount ?? 0
}

// Rows are locked in the order of their ids, so two operators who read the same chat cannot deadlock. An array instead of a
// join keeps the planner from reading the whole table when it overestimates the unread messages.
const markSql = ({ message }: Names, column: ContactFilter['column'], hasEnd: boolean): string => `
  UPDATE ${message}
  SET "isRead" = true, "readAt" = ${UTC_NOW}
  WHERE "id" = ANY (ARRAY(
    SELECT m."id"
    FROM ${message} AS m
    WHERE m.${isOfContact(column)} AND m."senderType" OPERATOR(pg_catalog.=) 'CLIENT' AND NOT m."isRead" ${hasEnd ? `AND ${upTo(message)}` : ''}
    ORDER BY m."id"
    FOR NO KEY UPDATE))`

// In the order of the history, not of ids: a sequence may run downwards, or go on with negative ids.
const upTo = (message: string): string =>
  `(m."createdAt", m."id") <= (SELECT e."createdAt", e."id" FROM ${message} AS e WHERE e."id" = $2::bigint)`

const invalidUpTo = (upToMessageId: unknown): InvalidCall =>
  new InvalidCall('invalid_message_id', `upToMessageId is ${String(upToMessageId)}, which is not a message id`)
