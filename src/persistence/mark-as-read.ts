import type { Queryable } from '../database/connection.js'
import { ExitCode, OperatorError } from '../errors.js'
import { isId, toContactFilter } from './contact.js'
import { UTC_NOW, type Names } from './sql-names.js'

export interface MarkAsReadQuery {
  readonly clientId?: number | undefined
  readonly guestUsername?: string | undefined
  /** One conversation, whatever names were used in it. */
  readonly sessionId?: string | undefined
  /** Who reads. The application's table has no column for it; it is asked for so that a caller cannot forget to know; null where it is not in "User". */
  readonly operatorId: number | null
  /** The newest message that the operator has seen; what came later stays unread. */
  readonly upToMessageId?: number | undefined
}

/**
 * Marks what the client's side wrote as read.
 * @returns how many messages changed; 0 when all were read already
 */
export const markAsRead = async (db: Queryable, names: Names, query: MarkAsReadQuery): Promise<number> => {
  const { upToMessageId, operatorId: _reader, ...contact } = query
  const filter = toContactFilter(contact)
  if (upToMessageId !== undefined && !isId(upToMessageId)) throw invalidUpTo(upToMessageId)
  const { rowCount } = await db.query(
    markSql(names, filter.column, upToMessageId !== undefined),
    upToMessageId === undefined ? [filter.value] : [filter.value, upToMessageId],
  )
  return rowCount ?? 0
}

// Rows are locked in the order of their ids, so that two operators who read the same chat cannot deadlock. An array, and no
// join: however many messages the planner thinks are unread, it must not read the whole table for them.
const markSql = ({ message }: Names, column: string, hasEnd: boolean): string => `
  UPDATE ${message}
  SET "isRead" = true, "readAt" = ${UTC_NOW}
  WHERE "id" = ANY (ARRAY(
    SELECT "id"
    FROM ${message}
    WHERE "${column}" = $1 AND "senderType" = 'CLIENT' AND NOT "isRead" ${hasEnd ? `AND ${upTo(column)}` : ''}
    ORDER BY "id"
    FOR NO KEY UPDATE))`

// The planner expects many unread messages, since those of operators stay unread, and would rather read all messages up to
// that id. Compared as a pair it cannot: then the index of a client's unread messages is the way.
const upTo = (column: string): string =>
  column === 'clientId' ? '("clientId", "id") <= ($1, $2::integer)' : '"id" <= $2::integer'

const invalidUpTo = (upToMessageId: unknown): OperatorError =>
  new OperatorError('invalid_message_id', `upToMessageId is ${String(upToMessageId)}, which is no message's id`, {
    exitCode: ExitCode.no,
  })
