import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import type { Names } from '../sql-names.js'

/** More are not counted: a badge shows no more, and a backlog of millions does not slow the answer. */
const MOST_COUNTED = 10_000

/** How many messages from the client's side are unread in all chats, counted up to 10,000, by the index of unread messages. */
export const readUnreadCount = async (db: Queryable, names: Names): Promise<number> =>
  onlyRow(await db.query<{ unread: number }>(countSql(names))).unread

const countSql = ({ message }: Names): string => `
  SELECT count(*)::integer AS "unread"
  FROM (
    SELECT FROM ${message}
    WHERE NOT "isRead" AND "senderType" OPERATOR(pg_catalog.=) 'CLIENT'
    LIMIT ${MOST_COUNTED}
  ) AS unread`
