import { ANYTHING, checkOptions, wholeNumber, YES_OR_NO, type Rules } from '../check-options.js'
import { firstRow } from '../database/rows.js'
import { checkLimit, rowsToRead } from './contact.js'
import { parseCursor, type Position } from './ids/cursor.js'
import type { ChatMessage } from './message.js'
import { recentPageSql } from './recent/page.js'
import { firstSearch, nextSearch, type PageProgress } from './recent/scan.js'
import type { ReadSession } from './sql-names.js'
import { toChatMessage, type StoredRow } from './stored-message.js'

export interface RecentChatsQuery {
  /** Chats a page, 1 to 200; 50 when absent. */
  readonly limit?: number | undefined
  /** Cursor: returns chats whose last message is older. */
  readonly before?: string | undefined
  /** Most bytes of texts and images in a page, which then has fewer chats, but at least one if there is one. Unlimited when absent. */
  readonly maxBytes?: number | undefined
  /** Only chats with unread messages from the client's side. */
  readonly unreadOnly?: boolean | undefined
}

const RULES: Rules<RecentChatsQuery> = {
  limit: ANYTHING,
  before: ANYTHING,
  maxBytes: wholeNumber(0),
  unreadOnly: YES_OR_NO,
}

export interface RecentChat {
  /** Null for a guest whose messages are not linked to a client. */
  readonly clientId: number | null
  /** The client's user name, or the guest's. */
  readonly username: string
  /** The client's; if it has none, the guest's, as of their last message, unless that is unverified. */
  readonly phone: string | null
  /** The last message from the client's side was written under the client's name, without proof of identity. */
  readonly guestUnverified: boolean
  readonly lastMessage: ChatMessage
  /** Unread messages from the client's side, counted up to 1,000. */
  readonly unreadCount: number
  /** The conversations (`sessionId`) of the last 20 messages, newest first; those in which only operators wrote come last. */
  readonly conversations: readonly string[]
}

export interface RecentChatsPage {
  /** Newest message first. */
  readonly chats: readonly RecentChat[]
  /** Pass as `before` to get older chats; null when there are none. */
  readonly nextBefore: string | null
}

type RecentRow = StoredRow & {
  readonly cursor: string
  readonly username: string
  readonly phone: string | null
  readonly chatUnverified: boolean
  readonly unreadCount: number
  readonly conversations: string | null
}

/** Reads one page of the chats of registered clients and of guests without client, most recently active first. */
export const readRecentChats = async (session: ReadSession, query: RecentChatsQuery): Promise<RecentChatsPage> => {
  checkOptions('the query', query, RULES)
  const limit = checkLimit(query.limit ?? 50)
  const position = query.before === undefined ? undefined : parseCursor(query.before)
  const rows = await findPage(session, rowsToRead(limit), position, query.unreadOnly === true)
  const page = rows.slice(0, Math.min(limit, countFitting(rows, query.maxBytes ?? Infinity)))
  return {
    chats: page.map(toRecentChat),
    nextBefore: rows.length > page.length ? (page.at(-1)?.cursor ?? null) : null,
  }
}

const toRecentChat = (row: RecentRow): RecentChat => {
  const lastMessage = toChatMessage(row)
  return {
    clientId: lastMessage.clientId,
    username: row.username,
    phone: row.phone,
    guestUnverified: row.chatUnverified,
    lastMessage,
    unreadCount: row.unreadCount,
    conversations: toConversations(row.conversations),
  }
}

// As JSON text, whatever a caller's pool makes of an array: one for each message, newest first.
const toConversations = (ofMessages: string | null): readonly string[] =>
  ofMessages === null ? [] : [...new Set(JSON.parse(ofMessages) as (string | null)[])].filter((one) => one !== null)

const countFitting = (rows: readonly RecentRow[], maxBytes: number): number => {
  let bytes = 0
  const tooMany = rows.findIndex(({ text, imageUrl }, place) => {
    bytes += Buffer.byteLength(text ?? '') + Buffer.byteLength(imageUrl ?? '')
    return place > 0 && bytes > maxBytes
  })
  return tooMany === -1 ? rows.length : tooMany
}

// Where a scan does not find enough, a larger one begins anew: each page is of one statement, so of one moment.
const findPage = async (
  { db, names, statements }: ReadSession,
  wanted: number,
  position: Position | undefined,
  unreadOnly: boolean,
): Promise<readonly RecentRow[]> => {
  let search = firstSearch(unreadOnly)
  for (;;) {
    const result = await statements.query<(RecentRow | { readonly id: null }) & PageProgress>(
      db,
      recentPageSql(names, { scan: search.scan, wanted, hasPosition: position !== undefined, unreadOnly }),
      position === undefined ? [] : [position.createdAt, position.id],
    )
    const progress = firstRow(result)
    if (progress.clientsYield === null && progress.guestsYield === null)
      return result.rows.filter((row) => row.id !== null)
    search = nextSearch(search, progress, wanted)
  }
}
