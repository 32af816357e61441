import { comparable } from '../contact.js'
import { UNLINKED, UNLINKED_BY_HOUR, UNREAD } from '../sql-names.js'

/** One of the two kinds of chats: those of clients, and those of guests whose messages have no client. */
export interface ChatKind {
  /** Begins the names of its parts of the statement. */
  readonly name: 'client' | 'guest'
  /** SQL for the column that tells its chats apart, comparable as in `comparable`. */
  readonly column: string
  /** Which messages are of this kind, as the condition of its partial indexes; `true` where the indexes hold all messages. */
  readonly condition: string
  /** The same, as the condition of its index by hours, which no other look-up can take by mistake. */
  readonly hourCondition: string
}

export const CLIENT_CHATS: ChatKind = {
  name: 'client',
  column: comparable('clientId'),
  condition: 'true',
  hourCondition: 'true',
}

export const GUEST_CHATS: ChatKind = {
  name: 'guest',
  column: comparable('guestUsername'),
  condition: UNLINKED,
  hourCondition: UNLINKED_BY_HOUR,
}

/** What the parts of a statement for recent chats are made of. */
export interface PartRequest {
  /** The qualified name of the table of messages. */
  readonly message: string
  /** How many chats are wanted. */
  readonly wanted: number
  /** Whether the parameters 1 and 2 are the instant and id before which the page begins. */
  readonly hasPosition: boolean
  /** Whether only chats with unread messages are wanted. */
  readonly unreadOnly: boolean
}

/** SQL for the messages of one chat. */
export const isOfChat = ({ column, condition }: ChatKind, chat: string): string =>
  `${condition} AND ${column} = ${chat}`

/** SQL for a chat being wanted: all are, or those with unread messages. */
export const isWanted = ({ message, unreadOnly }: PartRequest, kind: ChatKind, chat: string): string =>
  unreadOnly ? `(SELECT true FROM ${message} WHERE ${isOfChat(kind, chat)} AND ${UNREAD} LIMIT 1)` : 'true'

/** SQL for the id of a chat's last message, whose instant is known. Messages of one instant follow their ids. */
export const lastIdOf = (message: string, kind: ChatKind, chat: string, at: string): string => `(
      SELECT "id" FROM ${message}
      WHERE ${isOfChat(kind, chat)} AND "createdAt" = ${at}
      ORDER BY "id" DESC
      LIMIT 1)`

/** SQL for being before the position of the parameters 1 and 2. The id is looked up at the position's own instant only. */
export const isBefore = (message: string, kind: ChatKind, chat: string, at: string): string =>
  `(${at} < $1::timestamp OR (${at} = $1::timestamp AND ${lastIdOf(message, kind, chat, at)} < $2::bigint))`
