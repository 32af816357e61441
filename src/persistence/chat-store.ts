import { asyncClosable, type NotYetClosable } from '../closable.js'
import { abortable } from '../concurrency/abortable.js'
import { within } from '../concurrency/within.js'
import type { Queryable } from '../database/connection.js'
import type { Promotion } from '../database/failover/timelines.js'
import { withLimits, withPooledClient, type BorrowLimits } from '../database/pools/pooled-client.js'
import { createPreparedStatements } from '../database/prepared.js'
import { checkValue, LONGEST_TIMER_MS } from '../check-options.js'
import { DEFAULT_MAX_MESSAGE_BYTES } from './content/message-size.js'
import { sentBytes, storingTimeMs } from './content/storing-time.js'
import { StoreClosed, StoreUnavailable } from './errors.js'
import { findChat } from './chats/find-chat.js'
import type { ChatStore } from './chat-store-interface.js'
import { createFindClient } from './chats/known-client.js'
import { readPersonByPages } from './erasure/export-pages.js'
import { createStoreErasure } from './erasure/store-erasure.js'
import { readHistory } from './chat-history.js'
import { readInactiveOperators } from './operators/inactive-operators.js'
import { readOperatorNames } from './operators/operator-names.js'
import { keysIn } from './store/keys-in.js'
import { createKeyGuard } from './keys/key-guard.js'
import { createFirstLookUp } from './look-up/first-look-up.js'
import { inChange, type ChangeSession } from './lifecycle/change.js'
import { deleteMessage, editMessage } from './lifecycle/change-message.js'
import { mergeClients } from './lifecycle/merge-clients.js'
import { renameClient } from './lifecycle/rename-client.js'
import { createHeldGuests } from './locks/held-guests.js'
import { createLive } from './live/live.js'
import { checkSubscription } from './live/subscription-options.js'
import { markAsRead } from './mark-as-read.js'
import { prepareMessage } from './prepare-message.js'
import { readRecentChats } from './recent-chats.js'
import { createReadinessCheck } from './readiness.js'
import { withRetries, type RetryLimits } from './retry.js'
import { saveBatch } from './save-batch.js'
import { saveInTransaction } from './transaction/save-in-transaction.js'
import type { PendingSave } from './pending-save.js'
import { createSaveQueue } from './save-queue.js'
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
import { closedMeanwhile } from './store/closed-meanwhile.js'
import { createStorePool, targetOf } from './store/store-pool.js'

export type { ChatStore, StoreLoad } from './chat-store-interface.js'
export type { CallOptions, FindChatOptions, ChatStoreOptions, ChatStoreSource, Promotion, SaveOptions }

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
  const checkReady = createReadinessCheck({ pool, names, withKeyGuard, onLeft, closed: closed.read.signal })
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
            withRetries(own, (signal) => withPooledClient(pool.get(), { ...own, signal }, work)),
          ),
        schema,
        person,
      ),
    checkReady: (given = {}) =>
      run('read', given, checkCallOptions, (own) => abortable(own.closed, () => checkReady(given.deadlineMs))),
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
