import type { AsyncClosable } from '../closable.js'
import type { ChatAddress, FoundChat } from './chats/find-chat.js'
import type { PersonRecord } from './erasure/export-person.js'
import type { Person } from './erasure/person.js'
import type { StoreErasure } from './erasure/store-erasure.js'
import type { HistoryPage, HistoryQuery } from './chat-history.js'
import type { IdempotencyScope } from './keys/key-scope.js'
import type { MessageDeletion, MessageEdit } from './lifecycle/change-message.js'
import type { ClientMerge, MergedClients } from './lifecycle/merge-clients.js'
import type { ClientRename, RenamedClient } from './lifecycle/rename-client.js'
import type { MessageListener, SubscriptionOptions } from './live/subscription-options.js'
import type { MessageSubscription } from './live/subscription.js'
import type { MarkAsReadQuery } from './mark-as-read.js'
import type { ChatMessage, NewChatMessage, SavedChatMessage } from './message.js'
import type { RecentChatsPage, RecentChatsQuery } from './recent-chats.js'
import type { QueueLoad } from './save-queue.js'
import type { CallOptions, FindChatOptions, SaveOptions } from './store/call-options.js'
import type { PoolLoad } from './store/store-pool.js'

/** What a store has to do at this moment. */
export interface StoreLoad {
  /** Messages that wait or are being saved, and the bytes of their texts and images. */
  readonly queue: QueueLoad
  /**
   * The newest timeline of a primary that a connection of the store's own pool has met: it grows with each promotion. Undefined
   * before the first connection, and where the server does not tell.
   */
  readonly timeline: number | undefined
  /** Connections of the pool, those that nobody uses, and calls that wait for one. */
  readonly pool: PoolLoad
  /** How often what the store gave up could not be cancelled in the server, where it may have gone on, since the store was opened. */
  readonly abandoned: number
}

/** Keeps chat messages. Every write resolves after its commit, and a failed read throws instead of returning an empty list. */
export interface ChatStore extends AsyncClosable {
  /** Most bytes of the text, and of the image, of a message that it takes. */
  readonly maxMessageBytes: number
  /** Whether a key names one message of all, or one of its sender. */
  readonly idempotencyScope: IdempotencyScope
  /**
   * Saves a message, exactly once for its idempotency key, and creates a client for a new guest. Concurrent calls share
   * commits; each has its own outcome. Messages of one sender are stored in the order of the calls.
   * @throws InvalidMessage, CharacterNotStorable, IdempotencyConflict, MessageNotStored, StoreUnavailable and StoreOverloaded (both retryable),
   *   SchemaNotReady, DatabaseRefused, StoreClosed, and the signal's reason for a message that was not sent
   */
  saveChatMessage(message: NewChatMessage, options?: SaveOptions): Promise<SavedChatMessage>
  /**
   * Calls a listener with each message that any program stores from now on, once, after its commit. One call follows the
   * other; a listener that fails is reported to `onError`, and breaks nothing.
   * @throws InvalidCall, OperatorError `ids_not_in_order`, SchemaNotReady, StoreUnavailable (also from a standby), DatabaseRefused,
   *   StoreClosed, the signal's reason
   */
  onMessage(listener: MessageListener, options: SubscriptionOptions): Promise<MessageSubscription>
  /** Reads one page of the messages of one contact, or of several. */
  getChatHistory(query: HistoryQuery, options?: CallOptions): Promise<HistoryPage>
  /** Reads one page of the chats of clients and guests, most recently active first. */
  getRecentChats(query?: RecentChatsQuery, options?: CallOptions): Promise<RecentChatsPage>
  /** Finds the chat of an address, and how to answer in it; undefined when nobody has the address. For operators: it proves no identity. */
  findChat(address: ChatAddress, options?: FindChatOptions): Promise<FoundChat | undefined>
  /**
   * Marks messages from the client's side as read; resolves to the number of messages that changed: at least, if a connection broke
   * before an answer.
   */
  markMessagesAsRead(query: MarkAsReadQuery, options?: CallOptions): Promise<number>
  /** How many messages from the client's side are unread in the chats of `getRecentChats`, counted up to 10,000. */
  getUnreadCount(options?: CallOptions): Promise<number>
  /**
   * Renames a client. Its former name stays its own: what is written under it goes on to this client.
   * @throws ClientNotFound, ClientMerged, UsernameTaken, InvalidMessage, OperatorError `privilege_missing`
   */
  renameClient(rename: ClientRename, options?: CallOptions): Promise<RenamedClient>
  /**
   * Gives the messages of one client to another. What comes for the first one afterwards, by id or by name, is the other's.
   * @throws ClientNotFound, ClientMerged, MergeRefused, OperatorError `privilege_missing`
   */
  mergeClients(merge: ClientMerge, options?: CallOptions): Promise<MergedClients>
  /**
   * Changes the content of a message: what is absent stays. Its key stays, so that the message as it was first sent is still a
   * duplicate. What was there before is not kept.
   * @throws MessageNotFound, InvalidMessage, OperatorError `privilege_missing`
   */
  editMessage(edit: MessageEdit, options?: CallOptions): Promise<ChatMessage>
  /**
   * Deletes a message. Its key stays known: sent again, the message is a duplicate and is not stored.
   * @returns false if there is no message of this id
   * @throws OperatorError `privilege_missing`
   */
  deleteMessage(deletion: MessageDeletion, options?: CallOptions): Promise<boolean>
  /**
   * Which of these operators the application calls inactive (`"User"."isActive"` is false). None if there is no such column, or
   * the store's role may not read it.
   */
  getInactiveOperators(operatorIds: readonly number[], options?: CallOptions): Promise<readonly number[]>
  /**
   * The names of operators by their ids in "User" (its `name`, else `username`): none for an unknown id, and none at all if there
   * is no such column, or the store's role may not read it.
   */
  getOperatorNames(operatorIds: readonly number[], options?: CallOptions): Promise<ReadonlyMap<number, string>>
  /**
   * Deletes the messages from before an instant for good, in short transactions beside live traffic, oldest first. Clients stay.
   * Resolves to how many were deleted: at least, if a connection broke before an answer. When it fails, or its signal fires, those
   * before stay deleted, and a repeated call goes on.
   * @throws OperatorError `privilege_missing`, `insufficient_privilege`, `migration_lock_held`; InvalidCall, StoreUnavailable,
   *   DatabaseRefused, StoreClosed, the signal's reason
   */
  deleteMessagesBefore: StoreErasure['deleteMessagesBefore']
  /**
   * Deletes a person for good: clients, messages and operators' answers to them, in short transactions beside live traffic. Can be
   * repeated when it fails, or its signal fires.
   * @throws as `deleteMessagesBefore`; OperatorError `client_is_referenced`, `messages_are_referenced` when rows of the
   *   application refer to them and their foreign keys allow no deletion
   */
  eraseContact: StoreErasure['eraseContact']
  /**
   * Reads all that is kept of a person, in short queries: clients, rows of chatkeep's own tables, then messages, oldest first, with
   * operators' answers. Holds a few messages in memory at a time. The options hold for each query.
   * @throws OperatorError `privilege_missing`, `insufficient_privilege`; InvalidCall, StoreUnavailable, DatabaseRefused, StoreClosed,
   *   the signal's reason, each from the iteration
   */
  exportContact(person: Person, options?: CallOptions): AsyncIterable<PersonRecord>
  /**
   * Proves, by a commit, that a message can be saved now; takes two seconds at most.
   * @throws SchemaNotReady, StoreUnavailable, DatabaseRefused, StoreClosed
   */
  checkReady(options?: CallOptions): Promise<void>
  /** Asks nothing of the database. */
  getLoad(): StoreLoad
  /**
   * Refuses new calls, waits for the running ones, and ends the store's own pool. Can be called twice.
   * @param patienceMs after so long, what still runs is cancelled in the server, and fails with StoreUnavailable of the code
   *   `store_closed`; unlimited when absent
   * @throws InvalidCall `invalid_option`
   */
  close(patienceMs?: number): Promise<void>
}
