import { ANYTHING, wholeNumber, YES_OR_NO, type Rules } from '../check-options.js'
import type { Queryable } from '../database/connection.js'
import { instantSql } from '../database/clock/instant.js'
import { fromPrimary } from '../database/proxies/standby-reads.js'
import { InvalidCall } from './errors.js'
import type { ChatSearch } from './chats/find-chat.js'
import { findSources, isOfSource, type Source } from './chats/sources.js'
import {
  checkContactQuery,
  checkLimit,
  CONTACT_QUERY_RULES,
  rowsToRead,
  toContactFilters,
  type ContactQuery,
} from './contact.js'
import { cursorSql, parseCursor, type Position } from './ids/cursor.js'
import { toId } from './ids/ids.js'
import type { ChatMessage } from './message.js'
import type { Names } from './sql-names.js'
import { advance } from './polling/advance.js'
import { beginPolling } from './polling/begin.js'
import { fittingSql } from './polling/fitting-page.js'
import { microsOf, toCursorInstant } from './polling/micros.js'
import { formatPollCursor, parsePollCursor, scanFrom, type Place, type PollCursor } from './polling/poll-cursor.js'
import { readWithOpen } from './polling/read-with-open.js'
import { MESSAGE_COLUMNS, RAW_COLUMNS, toChatMessage, type StoredRow } from './stored-message.js'

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
  /** Pass as `after` to get what is newer than the page, or becomes visible later: each message once, and none is left out. */
  readonly nextAfter: string
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
  const { after, before, maxBytes } = query
  const limit = checkLimit(query.limit ?? 50)
  if (before !== undefined && after !== undefined) throw bothCursors()
  const position = before === undefined ? undefined : parseCursor(before)
  const cursor = after === undefined ? undefined : parsePollCursor(after)
  const db = query.fromPrimary === true && after === undefined ? fromPrimary(any) : any
  const sources = await findSources(db, findClient, filters)
  const request = { sources, limit, maxBytes }
  return after === undefined || cursor === undefined
    ? readOlder(db, names, { ...request, position })
    : readNewer(db, names, { ...request, after, cursor })
}

interface PageRequest {
  readonly sources: readonly Source[]
  readonly limit: number
  readonly maxBytes: number | undefined
}

const readOlder = async (
  db: Queryable,
  names: Names,
  { sources, limit, maxBytes, position }: PageRequest & { readonly position: Position | undefined },
): Promise<HistoryPage> => {
  const sql = historySql(names, sources, rowsToRead(limit), position && 'before')
  const { rows } = await db.query<FittingRow>(
    maxBytes === undefined ? sql : fittingSql(sql, pageOrder('before'), maxBytes),
    [...sources.map(({ value }) => value), ...(position === undefined ? [] : [position.createdAt, position.id])],
  )
  const page = rows.slice(0, limit)
  const hasMore = (rows[0]?.found ?? rows.length) > page.length
  const oldest = hasMore ? page.at(-1)?.cursor : undefined
  const readPlaces = async (before: string, most: number): Promise<readonly Place[]> => {
    const { createdAt, id } = parseCursor(before)
    const places = historySql(names, sources, most, 'before', PLACE_COLUMNS)
    const values = [...sources.map(({ value }) => value), createdAt, id]
    return (await db.query<PlaceRow>(places, values)).rows.map(toPlace)
  }
  const polling = await beginPolling(
    page.map(toPlace),
    oldest === undefined ? undefined : (most) => readPlaces(oldest, most),
  )
  return {
    messages: page.toReversed().map(toChatMessage),
    nextBefore: oldest ?? null,
    nextAfter: formatPollCursor(polling),
  }
}

const readNewer = async (
  db: Queryable,
  names: Names,
  { sources, limit, maxBytes, after, cursor }: PageRequest & { readonly after: string; readonly cursor: PollCursor },
): Promise<HistoryPage> => {
  const from = scanFrom(cursor)
  const seen = cursor.seen.map(({ id }) => id)
  const direction = seen.length === 0 ? 'after' : 'after unseen'
  const page = historySql(names, sources, rowsToRead(limit), direction)
  const sql = maxBytes === undefined ? page : fittingSql(page, pageOrder(direction), maxBytes)
  const values = [...sources.map(({ value }) => value), toCursorInstant(from.at), from.id]
  // Most polls find nothing. If the cursor remembers no message, it stays as it is, whatever transactions are open.
  if (seen.length === 0 && (await fromPrimary(db).query(sql, values)).rows.length === 0)
    return { messages: [], nextBefore: null, nextAfter: after }
  const { rows, now, open } = await readWithOpen<FittingRow>(
    db,
    names,
    sql,
    seen.length === 0 ? values : [...values, seen],
  )
  const found = rows.slice(0, limit)
  const more = (rows[0]?.found ?? rows.length) > found.length
  const { count, next } = advance(cursor, { found: found.map(toPlace), more, now, open })
  const given = found.slice(0, count)
  return {
    messages: given.map(toChatMessage),
    nextBefore: given[0]?.cursor ?? null,
    nextAfter: formatPollCursor(next),
  }
}

const toPlace = ({ createdAt, id }: PlaceRow): Place => ({ at: microsOf(createdAt), id: toId(id) })

const bothCursors = (): InvalidCall => new InvalidCall('invalid_cursor', 'before and after exclude each other')

/** `after unseen`: without the messages whose ids are parameter 4. To plan that costs more than all the rest. */
type Direction = 'before' | 'after' | 'after unseen'

type PlaceRow = Pick<StoredRow, 'createdAt' | 'id'>

const PAGE_COLUMNS = `${MESSAGE_COLUMNS}, ${cursorSql()} AS "cursor"`

const PLACE_COLUMNS = `m."id", ${instantSql('m."createdAt"')} AS "createdAt"`

const historySql = (
  names: Names,
  sources: readonly Source[],
  limit: number,
  direction: Direction | undefined,
  columns = PAGE_COLUMNS,
): string => {
  const order = orderOf(direction)
  const partColumns = sources.length === 1 ? columns : RAW_COLUMNS
  const [at, id, seen] = [1, 2, 3].map((place) => `$${sources.length + place}`)
  const position =
    direction === undefined
      ? ''
      : `AND (m."createdAt", m."id") ${direction === 'before' ? '<' : '>'} (${at}::timestamp, ${id}::bigint)`
  const unseen = direction === 'after unseen' ? `AND m."id" <> ALL (${seen}::bigint[])` : ''
  const parts = sources.map(
    (source, index) => `
  SELECT ${partColumns}
  FROM ${names.message} AS m
  WHERE ${isOfSource(source, `$${index + 1}`)} ${position} ${unseen}
  ORDER BY m."createdAt" ${order}, m."id" ${order}
  LIMIT ${limit}`,
  )
  return parts.length === 1 ? parts.join('') : mergedSql(parts, columns, order, limit)
}

// Each part has its newest messages by its own index, so the newest of all of them are among these. A message can be in
// several. Only what the page has is made into text.
const mergedSql = (parts: readonly string[], columns: string, order: string, limit: number): string => `
  SELECT ${columns}
  FROM (
    SELECT DISTINCT ON ("createdAt", "id") *
    FROM (${parts.map((part) => `(${part})`).join(' UNION ALL ')}) AS each
    ORDER BY "createdAt" ${order}, "id" ${order}
    LIMIT ${limit}
  ) AS m
  ORDER BY m."createdAt" ${order}, m."id" ${order}`

const orderOf = (direction: Direction | undefined): string => (direction?.startsWith('after') === true ? 'ASC' : 'DESC')

// The moments of a page are text.
const pageOrder = (direction: Direction): string => {
  const order = orderOf(direction)
  return `"createdAt"::numeric ${order}, "id" ${order}`
}
