import { ANYTHING, wholeNumber, YES_OR_NO, type Rules } from '../check-options.js'
import { fromPrimary } from '../database/proxies/standby-reads.js'
import { InvalidCall } from './errors.js'
import type { ChatSearch } from './chats/find-chat.js'
import { findSources } from './chats/sources.js'
import {
  checkContactQuery,
  checkLimit,
  CONTACT_QUERY_RULES,
  isOfContact,
  rowsToRead,
  toContactFilters,
  type ContactFilter,
  type ContactQuery,
} from './contact.js'
import { cursorSql, parseCursor } from './ids/cursor.js'
import type { ChatMessage } from './message.js'
import type { Names } from './sql-names.js'
import { MESSAGE_COLUMNS, toChatMessage, type StoredRow } from './stored-message.js'

export interface HistoryQuery extends ContactQuery {
  /** Messages a page, 1 to 200; 50 when absent. */
  readonly limit?: number | undefined
  /** Cursor: returns messages older than it. Excludes `after`. */
  readonly before?: string | undefined
  /** Cursor: returns messages newer than it. Excludes `before`. */
  readonly after?: string | undefined
  /** Most bytes of texts and images in a page, which then has fewer messages, but at least one if there is one. Unlimited when absent. */
  readonly maxBytes?: number | undefined
  /** Whether only the primary may answer: behind a proxy such as pgpool-II a standby may, which may lag behind. */
  readonly fromPrimary?: boolean | undefined
}

const RULES: Rules<HistoryQuery> = {
  ...CONTACT_QUERY_RULES,
  limit: ANYTHING,
  before: ANYTHING,
  after: ANYTHING,
  maxBytes: wholeNumber(0),
  fromPrimary: YES_OR_NO,
}

export interface HistoryPage {
  /** Oldest first. Without a cursor, the newest messages. */
  readonly messages: readonly ChatMessage[]
  /** Pass as `before` to get older messages; null when there are none. */
  readonly nextBefore: string | null
  /** Pass as `after` to get newer messages, now or later; null for an empty page. */
  readonly nextAfter: string | null
}

type MessageRow = StoredRow & { readonly cursor: string }

/** `found`: rows without the limit of bytes, including the extra one that shows that there are more. */
type FittingRow = MessageRow & { readonly found?: number }

/**
 * Reads one page of the messages of one contact, or of several, by keyset: the page after a million messages costs the same as the first.
 * Not prepared: a generic plan assumes an average contact, and would sort all messages of a large one.
 * @throws OperatorError `read_from_standby` when only the primary may answer
 */
export const readHistory = async (
  { db: any, names, findClient }: ChatSearch,
  query: HistoryQuery,
): Promise<HistoryPage> => {
  checkContactQuery(query, RULES)
  const filters = toContactFilters(query)
  const limit = checkLimit(query.limit ?? 50)
  if (query.before !== undefined && query.after !== undefined) throw bothCursors()
  const forwards = query.after !== undefined
  const cursor = query.after ?? query.before
  const position = cursor === undefined ? undefined : parseCursor(cursor)
  const db = query.fromPrimary === true ? fromPrimary(any) : any
  const sources = await findSources(db, findClient, filters)
  const sql = historySql(names, sources, rowsToRead(limit), forwards, position !== undefined)
  const { rows } = await db.query<FittingRow>(
    query.maxBytes === undefined ? sql : fittingSql(sql, forwards, query.maxBytes),
    [...sources.map(({ value }) => value), ...(position === undefined ? [] : [position.createdAt, position.id])],
  )
  const page = rows.slice(0, limit)
  const ascending = forwards ? page : page.toReversed()
  const more = (rows[0]?.found ?? rows.length) > page.length
  return {
    messages: ascending.map(toChatMessage),
    nextBefore: forwards || more ? (ascending[0]?.cursor ?? null) : null,
    nextAfter: ascending.at(-1)?.cursor ?? null,
  }
}

const bothCursors = (): InvalidCall => new InvalidCall('invalid_cursor', 'before and after exclude each other')

const historySql = (
  names: Names,
  sources: readonly ContactFilter[],
  limit: number,
  forwards: boolean,
  hasPosition: boolean,
): string => {
  const order = forwards ? 'ASC' : 'DESC'
  const position = hasPosition
    ? `AND (m."createdAt", m."id") ${forwards ? '>' : '<'} ($${sources.length + 1}::timestamp, $${sources.length + 2}::bigint)`
    : ''
  const parts = sources.map(
    ({ column }, index) => `
  SELECT ${MESSAGE_COLUMNS}, ${cursorSql()} AS "cursor"
  FROM ${names.message} AS m
  WHERE ${isOfContact(column, `$${index + 1}`)} ${position}
  ORDER BY m."createdAt" ${order}, m."id" ${order}
  LIMIT ${limit}`,
  )
  return parts.length === 1 ? parts.join('') : mergedSql(parts, order, limit)
}

// Each part has its newest messages by its own index, so the newest of all of them are among these. A message can be in
// several.
const mergedSql = (parts: readonly string[], order: string, limit: number): string => `
  SELECT DISTINCT ON ("createdAt"::numeric, "id") *
  FROM (${parts.map((part) => `(${part})`).join(' UNION ALL ')}) AS each
  ORDER BY "createdAt"::numeric ${order}, "id" ${order}
  LIMIT ${limit}`

// The moments of a page are text. octet_length needs no detoasting: an image that does not fit is neither read nor sent.
const fittingSql = (sql: string, forwards: boolean, maxBytes: number): string => `
  SELECT *
  FROM (
    SELECT page.*, count(*) OVER ()::integer AS "found",
      row_number() OVER inOrder AS "place",
      sum(coalesce(octet_length("text"), 0) + coalesce(octet_length("imageUrl"), 0)) OVER inOrder AS "bytes"
    FROM (${sql}) AS page
    WINDOW inOrder AS (ORDER BY "createdAt"::numeric ${forwards ? 'ASC' : 'DESC'}, "id" ${forwards ? 'ASC' : 'DESC'} ROWS UNBOUNDED PRECEDING)
  ) AS measured
  WHERE "bytes" <= ${maxBytes} OR "place" = 1
  ORDER BY "place"`
