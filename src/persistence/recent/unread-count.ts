import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { UNREAD, type Names } from '../sql-names.js'

/** More are not counted: a badge shows no more, and a backlog of millions does not slow the answer. */
const MOST_COUNTED = 10_000

/** How many messages of the chats in the list of recent chats are unread, counted up to 10,000, by the index of unread messages. */
export const readUnreadCount = async (db: Queryable, names: Names): Promise<number> =>
  onlyRow(await db.query<{ unread: number }>(countSql(names))).unread

const countSql = ({ message }: Names): string => `
  SELECT count(*)::integer AS "unread"
  FROM (
    (SELECT 1 FROM ${message} WHERE ${UNREAD} AND "clientId" IS NOT NULL LIMIT ${MOST_COUNTED})
    UNION ALL
    (SELECT 1 FROM ${message} WHERE ${UNREAD} AND "clientId" IS NULL AND "guestUsername" IS NOT NULL LIMIT ${MOST_COUNTED})
    LIMIT ${MOST_COUNTED}
  ) AS unread`
