import type { Queryable } from '../database/connection.js'
import { InvalidCall } from './errors.js'
import { comparable, isId, toContactFilter, type ContactFilter } from './contact.js'
import { UTC_NOW, type Names } from './sql-names.js'

export interface MarkAsReadQuery {
  readonly clientId?: number | undefined
  readonly guestUsername?: string | undefined
  /** One conversation, whatever contacts wrote in it. */
  readonly sessionId?: string | undefined
  /** The operator who read them; null when not in "User". Not stored: the application's table has no column for it. */
  readonly operatorId: number | null
  /** The newest message that the operator has seen; later ones stay unread. */
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
    SELECT "id"
    FROM ${message}
    WHERE ${comparable(column)} = $1 AND "senderType" OPERATOR(pg_catalog.=) 'CLIENT' AND NOT "isRead" ${hasEnd ? `AND ${upTo(column)}` : ''}
    ORDER BY "id"
    FOR NO KEY UPDATE))`

// The planner overestimates unread messages (those of operators stay unread) and would scan the primary key up to that id.
// A row comparison rules that out: it uses the index of a client's unread messages.
const upTo = (column: string): string =>
  column === 'clientId' ? '("clientId", "id") <= ($1, $2::integer)' : '"id" <= $2::integer'

const invalidUpTo = (upToMessageId: unknown): InvalidCall =>
  new InvalidCall('invalid_message_id', `upToMessageId is ${String(upToMessageId)}, which is not a message id`)
