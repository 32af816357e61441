import { ANYTHING, either, oneOf, shown, type Rules } from '../check-options.js'
import { InvalidCall } from './errors.js'
import type { ChatSearch } from './chats/find-chat.js'
import { onlyRow } from '../database/rows.js'
import { findSources, isOfSource, type Source } from './chats/sources.js'
import { checkContactQuery, CONTACT_QUERY_RULES, toContactFilters, type Contact } from './contact.js'
import { ID, isId } from './ids/ids.js'
import { UTC_NOW, type Names } from './sql-names.js'

export interface MarkAsReadQuery {
  readonly clientId?: number | undefined
  readonly guestUsername?: string | undefined
  /** One conversation, whatever contacts wrote in it. */
  readonly sessionId?: string | undefined
  /** The messages of all of these: 1 to 10 contacts, instead of one. */
  readonly anyOf?: readonly Contact[] | undefined
  /** The operator who read them; null when not in "User". Not stored: the application's table has no column for it. */
  readonly operatorId: number | null
  /** The newest message that the operator has seen: those that follow it in the history stay unread. Nothing is marked if there is none of this id. */
  readonly upToMessageId?: number | undefined
}

const RULES: Rules<MarkAsReadQuery> = {
  ...CONTACT_QUERY_RULES,
  operatorId: either(ID, oneOf(null)),
  upToMessageId: ANYTHING,
}

/**
 * Marks messages from the client's side as read.
 * @returns the number of messages that changed, not with those of an earlier attempt whose answer was lost
 */
export const markAsRead = async ({ db, names, findClient }: ChatSearch, query: MarkAsReadQuery): Promise<number> => {
  checkContactQuery(query, RULES)
  const filters = toContactFilters(query)
  const { upToMessageId } = query
  if (upToMessageId !== undefined && !isId(upToMessageId)) throw invalidUpTo(upToMessageId)
  const sources = await findSources(db, findClient, filters)
  const values = sources.map(({ value }) => value)
  const result = await db.query<{ marked: number }>(
    markSql(names, sources, upToMessageId !== undefined),
    upToMessageId === undefined ? values : [...values, upToMessageId],
  )
  return onlyRow(result).marked
}

// Rows are locked in the order of their ids, so two operators who read the same chat cannot deadlock. An array instead of a
// join keeps the planner from reading the whole table when it overestimates the unread messages. What a trigger has put back is
// not counted.
const markSql = ({ message }: Names, sources: readonly Source[], hasEnd: boolean): string => `
  WITH updated AS (
    UPDATE ${message}
    SET "isRead" = true, "readAt" = ${UTC_NOW}
    WHERE "id" = ANY (ARRAY(
      SELECT m."id"
      FROM ${message} AS m
      WHERE ${isOfSources(message, sources)} AND ${UNREAD} ${hasEnd ? `AND ${upTo(message, sources.length + 1)}` : ''}
      ORDER BY m."id"
      FOR NO KEY UPDATE))
    RETURNING "isRead"
  )
  SELECT count(*)::integer AS "marked" FROM updated WHERE "isRead"`

const UNREAD = `m."senderType" OPERATOR(pg_catalog.=) 'CLIENT' AND NOT m."isRead"`

// Of several sources each is read by its own index: the planner may read the table for their OR.
const isOfSources = (message: string, sources: readonly Source[]): string => {
  const conditions = sources.map((source, index) => isOfSource(source, `$${index + 1}`))
  if (conditions.length === 1) return conditions.join('')
  const unread = conditions.map((condition) => `SELECT m."id" FROM ${message} AS m WHERE ${condition} AND ${UNREAD}`)
  return `m."id" = ANY (ARRAY(${unread.join(' UNION ALL ')}))`
}

// In the order of the history, not of ids: a sequence may run downwards, or go on with negative ids.
const upTo = (message: string, parameter: number): string =>
  `(m."createdAt", m."id") <= (SELECT e."createdAt", e."id" FROM ${message} AS e WHERE e."id" = $${parameter}::bigint)`

const invalidUpTo = (upToMessageId: unknown): InvalidCall =>
  new InvalidCall('invalid_message_id', `upToMessageId ${shown(upToMessageId)}, which is not a message id`)
