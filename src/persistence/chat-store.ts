import { asyncClosable, type AsyncClosable, type NotYetClosable } from '../closable.js'
import { abortable } from '../concurrency/abortable.js'
import { within } from '../concurrency/within.js'
import type { Queryable } from '../database/connection.js'
import type { Promotion } from '../database/failover/timelines.js'
import { withLimits, withPooledClient, type BorrowLimits } from '../database/pools/pooled-client.js'
import { createPreparedStatements } from '../database/prepared.js'
import { checkValue, LONGEST_TIMER_MS } from '../check-options.js'
import { DEFAULT_MAX_MESSAGE_BYTES } from './content/message-size.js'
import { sentBytes, storingTimeMs } from './content/storing-time.js'
import { closedMeanwhile, StoreClosed, StoreUnavailable } from './errors.js'
import { findChat, type ChatAddress, type FoundChat } from './chats/find-chat.js'
import { createFindClient } from './chats/known-client.js'
import type { PersonRecord } from './erasure/export-person.js'
import { readPersonByPages } from './erasure/export-pages.js'
import type { Person } from './erasure/person.js'
import { createStoreErasure, type StoreErasure } from './erasure/store-erasure.js'
import { readHistory, type HistoryPage, type HistoryQuery } from './chat-history.js'
import { readInactiveOperators } from './operators/inactive-operators.js'
import { readOperatorNames } from './operators/operator-names.js'
import type { IdempotencyScope } from './keys/key-scope.js'
import { keysIn } from './store/keys-in.js'
import { createKeyGuard } from './keys/key-guard.js'
import { createFirstLookUp } from './look-up/first-look-up.js'
import { inChange, type ChangeSession } from './lifecycle/change.js'
import { deleteMessage, editMessage, type MessageDeletion, type MessageEdit } from './lifecycle/change-message.js'
import { mergeClients, type ClientMerge, type MergedClients } from './lifecycle/merge-clients.js'
import { renameClient, type ClientRename, type RenamedClient } from './lifecycle/rename-client.js'
import { createHeldGuests } from './locks/held-guests.js'
import { createLive } from './live/live.js'
import { checkSubscription, type MessageListener, type SubscriptionOptions } from './live/subscription-options.js'
import type { MessageSubscription } from './live/subscription.js'
import { markAsRead, type MarkAsReadQuery } from './mark-as-read.js'
import type { ChatMessage, NewChatMessage, SavedChatMessage } from './message.js'
import { prepareMessage } from './prepare-message.js'
import { readRecentChats, type RecentChatsPage, type RecentChatsQuery } from './recent-chats.js'
import { createReadinessCheck } from './readiness.js'
import { withRetries, type RetryLimits } from './retry.js'
import { saveBatch } from './save-batch.js'
import { saveInTransaction } from './transaction/save-in-transaction.js'
import type { PendingSave } from './pending-save.js'
import { createSaveQueue, type QueueLoad } from './save-queue.js'
import { namesIn } from './sql-names.js'
import { readUnreadCount } from './recent/unread-count.js'
import {
  checkBatchOptions,
  checkCallOptions,
  checkEraseOptions,
  checkFindChatOptions,
  checkSaveOptions,
  patienceOf,
  type CallOptions,
  type FindChatOptions,
  type SaveOptions,
} from './store/call-options.js'
import {
  checkSource,
  checkStoreOptions,
  DEFAULT_DEADLINE_MS,
  DEFAULT_MAX_QUEUED_BYTES,
  DEFAULT_MAX_QUEUED_MESSAGES,
  type ChatStoreOptions,
  type ChatStoreSource,
} from './store/store-options.js'
import { createStorePool, targetOf, type PoolLoad } from './store/store-pool.js'

export type { CallOptions, FindChatOptions, ChatStoreOptions, ChatStoreSource, Promotion, SaveOptions }

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
   * Calls a listener with each message that is stored from now on, once, after its commit, whoever stored it. One call follows the
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
  /** Marks messages from the client's side as read; resolves to the number of messages that changed. */
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
   * Resolves to how many were deleted; when it fails, or its signal fires, those before stay deleted, and a repeated call goes on.
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

type CallLimits = BorrowLimits & RetryLimits

const PATIENCE = { must: 'a number of at least 0', fits: (ms: unknown): boolean => typeof ms === 'number' && ms >= 0 }

/**
 * Opens a store. Connects at the first call; reads no environment, prints nothing.
 * @throws OperatorError `invalid_database_url`, `invalid_connection_setting` or `invalid_option`
 */
export const createChatStore = (source: ChatStoreSource, options: ChatStoreOptions = {}): ChatStore => {
  checkSource(source)
  checkStoreOptions(options)
  const target = targetOf(source, options)
  const schema = options.schema ?? target?.schema ?? 'public'
  const names = namesIn(schema)
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS
  const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES
  const keys = keysIn(options.idempotencyScope ?? 'all')
  const patienceMs = patienceOf(deadlineMs)
  let abandoned = 0
  const onLeft = (): void => {
    abandoned += 1
  }
  const pool = createStorePool(source, target, options, patienceMs)
  const underWay = new Set<Promise<unknown>>()
  const closed = { read: new AbortController(), change: new AbortController() }
  let closing: Promise<void> | undefined

  const track = async <T>(call: () => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw new StoreClosed()
    const answer = call()
    underWay.add(answer)
    try {
      return await answer
    } finally {
      underWay.delete(answer)
    }
  }
  const limitsOf = (ms: number, kind: keyof typeof closed): CallLimits => {
    const longestMs = patienceOf(ms)
    const ownLimits = { deadlineMs: ms, patienceMs: longestMs, workMs: longestMs, onLeft, closed: closed[kind].signal }
    return { ...ownLimits, noneFreeHint: pool.noneFreeHint }
  }
  const limits = limitsOf(deadlineMs, 'read')
  /** Runs a call; what winds up after its signal has fired is still under way. */
  const run = async <Given extends CallOptions, T>(
    kind: keyof typeof closed,
    given: Given,
    check: (given: Given) => void,
    call: (limits: CallLimits) => Promise<T>,
  ): Promise<T> => {
    check(given)
    const own = limitsOf(given.deadlineMs ?? deadlineMs, kind)
    return abortable(given.signal, (signal) => track(() => call({ ...own, signal })))
  }
  const ask = <T>(
    given: CallOptions,
    question: (db: Queryable) => Promise<T>,
    kind: keyof typeof closed = 'read',
  ): Promise<T> =>
    run(kind, given, checkCallOptions, (own) =>
      withRetries(own, (signal) => question(withLimits(pool.get(), { ...own, signal }))),
    )
  const change = <T>(given: CallOptions, work: (session: ChangeSession) => Promise<T>): Promise<T> =>
    run('change', given, checkCallOptions, (own) =>
      work({
        names,
        schema,
        inChange: (needs, work) =>
          withRetries(own, (signal) =>
            withPooledClient(pool.get(), { ...own, signal }, (client) => inChange(client, needs, () => work(client))),
          ),
      }),
    )

  const statements = createPreparedStatements()
  const heldGuests = createHeldGuests()
  const findClient = createFindClient(names, statements)
  const firstLookUp = createFirstLookUp()
  const withKeyGuard = createKeyGuard(names)
  const checkReady = createReadinessCheck({ pool: () => pool.get(), names, withKeyGuard, onLeft })
  const erasureWith = (own: CallLimits) => createStoreErasure({ schema, pool: () => pool.get(), limits: own })
  const live = createLive({ names, schema, statements, pool: () => pool.get(), limits, target })
  // Also for what is saved beside them, which slows them down. A call that is late does not wait for it.
  const savingMs = (batch: readonly PendingSave[]): number => {
    const bytes = batch.reduce((sum, { message }) => sum + sentBytes(message), 0)
    return limits.workMs + storingTimeMs(Math.max(bytes, saves.load.bytes))
  }
  const saves = createSaveQueue(
    {
      maxMessages: options.maxQueuedMessages ?? DEFAULT_MAX_QUEUED_MESSAGES,
      maxBytes: options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES,
      deadlineMs,
      patienceMs,
      whyLate: (waitedMs) => pool.whyLate(waitedMs),
    },
    async (batch, signal) =>
      withPooledClient(pool.get(), { ...limits, workMs: savingMs(batch), signal }, (client) =>
        withKeyGuard(client, (keyGuard) =>
          saveBatch({ transaction: 'own', client, names, statements, keyGuard, firstLookUp, heldGuests }, batch),
        ),
      ).finally(() => live.committed()),
  )

  return asyncClosable<NotYetClosable<ChatStore>>({
    maxMessageBytes,
    idempotencyScope: keys.scope,
    saveChatMessage: async (message, given = {}) => {
      checkSaveOptions(given)
      const { db, signal } = given
      const prepared = keys.toStored(prepareMessage(message, maxMessageBytes))
      signal?.throwIfAborted()
      return track(async () => {
        if (db === undefined) return saves.save(prepared, given)
        const saved = await saveInTransaction(db, { names, withKeyGuard }, prepared, signal)
        live.written()
        return saved
      })
    },
    onMessage: async (listener, given) => {
      checkSubscription(listener, given)
      return run(
        'read',
        given,
        () => undefined,
        (own) => live.subscribe((message, delivery) => listener(keys.ofMessage(message), delivery), given, own),
      )
    },
    getChatHistory: (query, given = {}) =>
      ask(given, async (db) => keys.ofHistory(await readHistory({ db, names, findClient }, query))),
    getRecentChats: (query = {}, given = {}) =>
      ask(given, async (db) => keys.ofRecentChats(await readRecentChats({ db, names, statements }, query))),
    findChat: async (address, given = {}) => {
      checkFindChatOptions(given)
      const { at, ...options } = given
      return ask(options, (db) => findChat({ db, names, findClient, at }, address))
    },
    markMessagesAsRead: (query, given = {}) =>
      ask(given, (db) => markAsRead({ db, names, findClient }, query), 'change'),
    getOperatorNames: (operatorIds, given = {}) => ask(given, (db) => readOperatorNames(db, names, operatorIds)),
    getUnreadCount: (given = {}) => ask(given, (db) => readUnreadCount(db, names)),
    renameClient: (rename, given = {}) => change(given, (session) => renameClient(session, rename)),
    mergeClients: (merge, given = {}) => change(given, (session) => mergeClients(session, merge)),
    editMessage: (edit, given = {}) =>
      change(given, async (session) => keys.ofMessage(await editMessage(session, edit, maxMessageBytes))),
    deleteMessage: (deletion, given = {}) => change(given, (session) => deleteMessage(session, deletion)),
    getInactiveOperators: (operatorIds, given = {}) =>
      ask(given, (db) => readInactiveOperators(db, names, operatorIds)),
    deleteMessagesBefore: (before, given = {}) =>
      run('change', given, checkBatchOptions, (own) => erasureWith(own).deleteMessagesBefore(before, given)),
    eraseContact: (person, given = {}) =>
      run('change', given, checkEraseOptions, (own) => erasureWith(own).eraseContact(person, given)),
    exportContact: (person, given = {}) =>
      readPersonByPages(
        (work) =>
          run('read', given, checkCallOptions, (own) =>
            withRetries(own, () => withPooledClient(pool.get(), own, work)),
          ),
        schema,
        person,
      ),
    checkReady: (given = {}) => run('read', given, checkCallOptions, () => checkReady(given.deadlineMs)),
    getLoad: () => ({
      ...{ queue: { ...saves.load }, pool: pool.load(), abandoned },
      timeline: target?.timelines?.newest,
    }),
    close: async (patienceMs) => {
      if (patienceMs !== undefined) checkValue('patienceMs', patienceMs, PATIENCE)
      const ended = Promise.allSettled([...underWay, live.close()])
      closing ??= (patienceMs === undefined ? ended : within(Math.min(patienceMs, LONGEST_TIMER_MS), ended)).then(
        () => {
          for (const kind of ['read', 'change'] as const)
            closed[kind].abort(new StoreUnavailable('', closedMeanwhile(kind)))
          saves.giveUp()
          return pool.end()
        },
      )
      await closing
    },
  })
}
