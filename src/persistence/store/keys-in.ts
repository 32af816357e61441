import type { HistoryPage } from '../chat-history.js'
import { InvalidMessage } from '../errors.js'
import type { ChatMessage } from '../message.js'
import { MAX_FIELD_BYTES, type PreparedMessage } from '../prepare-message.js'
import type { RecentChatsPage } from '../recent-chats.js'
import { inSenderScope, withOwnKey, type IdempotencyScope } from '../keys/key-scope.js'

/** Translates between the keys of callers and those that are stored. */
interface Keys {
  readonly scope: IdempotencyScope
  /** @throws InvalidMessage when key and sender together are too long */
  readonly toStored: (message: PreparedMessage) => PreparedMessage
  readonly ofMessage: (message: ChatMessage) => ChatMessage
  readonly ofHistory: (page: HistoryPage) => HistoryPage
  readonly ofRecentChats: (page: RecentChatsPage) => RecentChatsPage
}

const same = <T>(value: T): T => value

const OF_ALL: Keys = { scope: 'all', toStored: same, ofMessage: same, ofHistory: same, ofRecentChats: same }

const OF_SENDER: Keys = {
  scope: 'sender',
  toStored: (message) => {
    const scoped = inSenderScope(message)
    if (Buffer.byteLength(scoped.idempotencyKey) <= MAX_FIELD_BYTES) return scoped
    throw new InvalidMessage([`idempotencyKey is larger than ${MAX_FIELD_BYTES} bytes with its sender`])
  },
  ofMessage: withOwnKey,
  ofHistory: (page) => ({ ...page, messages: page.messages.map(withOwnKey) }),
  ofRecentChats: (page) => ({
    ...page,
    chats: page.chats.map((chat) => ({ ...chat, lastMessage: withOwnKey(chat.lastMessage) })),
  }),
}

export const keysIn = (scope: IdempotencyScope): Keys => (scope === 'sender' ? OF_SENDER : OF_ALL)
