import { setTimeout as delay } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'
import { within } from '../concurrency/within.js'
import { endSession } from '../database/end-session.js'
import { createPool, type Queryable } from '../database/connection.js'
import {
  parseDatabaseUrl,
  toConnectionTarget,
  forWriting,
  type ConnectionTarget,
} from '../database/connection-target.js'
import type { Promotion } from '../database/failover/timelines.js'
import { withLimits, withPooledClient } from '../database/pools/pooled-client.js'
import { createPreparedStatements } from '../database/prepared.js'
import { InvalidCall, StoreClosed } from './errors.js'
import { readHistory, type HistoryPage, type HistoryQuery } from './chat-history.js'
import { readInactiveOperators } from './operators/inactive-operators.js'
import { createKeyGuard } from './keys/key-guard.js'
import { markAsRead, type MarkAsReadQuery } from './mark-as-read.js'
import type { NewChatMessage, SavedChatMessage } from './message.js'
import { prepareMessage } from './prepare-message.js'
import { readRecentChats, type RecentChatsPage, type RecentChatsQuery } from './recent-chats.js'
import { createReadinessCheck } from './readiness.js'
import { withRetries } from './retry.js'
import { saveBatch } from './save-batch.js'
import { createSaveQueue, type QueueLoad } from './save-queue.js'
import { namesIn } from './sql-names.js'

export type { Promotion }

/** Where the messages are: a URL, a pool (which the caller ends), or a resolved target. */
export type ChatStoreSource =
  { readonly databaseUrl: string } | { readonly pool: Pool } | { readonly target: ConnectionTarget }

export interface ChatStoreOptions {
  /** Schema of the tables; `public`, or the URL's `?schema=`, when absent. */
  readonly schema?: string | undefined
  /** Size of the store's own pool; 10 when absent. Ignored when a pool is passed. */
  readonly maxConnections?: number | undefined
  /**
   * How old a connection of the store's own pool may get, in milliseconds; it is replaced when it is free. 60,000 when absent.
   * After a failover that left the old primary running, messages are saved there for no longer.
   */
  readonly maxConnectionLifeMs?: number | undefined
  /** How long a call retries before it fails with `StoreUnavailable`, in milliseconds; 10,000 when absent; 0 means one attempt. */
  readonly deadlineMs?: number | undefined
  /** Most messages that wait or are being saved; the next is refused with `StoreOverloaded`. 10,000 when absent. */
  readonly maxQueuedMessages?: number | undefined
  /** Most bytes of their texts and images; 64 MiB when absent. */
  readonly maxQueuedBytes?: number | undefined
  /**
   * Called when a connection of the store's own pool has found that a standby was promoted. Connections to the server that was
   * the primary before are ended at once, and not made again.
   */
  readonly onPromotion?: ((promotion: Promotion) => void) | undefined
  /** Shown in pg_stat_activity; `chatkeep` when absent. */
  readonly applicationName?: string | undefined
}

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
  readonly pool: { readonly total: number; readonly idle: number; readonly waiting: number }
  /** How often what the store gave up could not be cancelled in the server, where it may have gone on, since the store was opened. */
  readonly abandoned: number
}

/** Keeps chat messages. Every write resolves after its commit, and a failed read throws instead of returning an empty list. */
export interface ChatStore {
  /**
   * Saves a message, exactly once for its idempotency key, and creates a client for a new guest. Concurrent calls share
   * commits; each has its own outcome. Messages of one sender are stored in the order of the calls.
   * @throws InvalidMessage, CharacterNotStorable, IdempotencyConflict, MessageNotStored, StoreUnavailable and StoreOverloaded (both retryable),
   *   SchemaNotReady, DatabaseRefused, StoreClosed
   */
  saveChatMessage(message: NewChatMessage): Promise<SavedChatMessage>
  /** Reads one page of one contact's messages. */
  getChatHistory(query: HistoryQuery): Promise<HistoryPage>
  /** Reads one page of the chats of clients and guests, most recently active first. */
  getRecentChats(query?: RecentChatsQuery): Promise<RecentChatsPage>
  /** Marks messages from the client's side as read; resolves to the number of messages that changed. */
  markMessagesAsRead(query: MarkAsReadQuery): Promise<number>
  /**
   * Which of these operators the application calls inactive (`"User"."isActive"` is false). None if there is no such column, or
   * the store's role may not read it.
   */
  getInactiveOperators(operatorIds: readonly number[]): Promise<readonly number[]>
  /**
   * Proves, by a commit, that a message can be saved now; takes two seconds at most.
   * @throws SchemaNotReady, StoreUnavailable, DatabaseRefused, StoreClosed
   */
  checkReady(): Promise<void>
  /** Asks nothing of the database. */
  getLoad(): StoreLoad
  /**
   * Refuses new calls, waits for the running ones, and ends the store's own pool. Can be called twice.
   * @param patienceMs after so long, what still runs is cancelled in the server; unlimited when absent
   */
  close(patienceMs?: number): Promise<void>
}

const DEFAULT_DEADLINE_MS = 10_000
const DEFAULT_MAX_CONNECTIONS = 10
const DEFAULT_MAX_QUEUED_MESSAGES = 10_000
const DEFAULT_MAX_QUEUED_BYTES = 64 * 1_048_576

/**
 * Opens a store. Connects at the first call; reads no environment, prints nothing.
 * @throws OperatorError `invalid_database_url`, `invalid_connection_setting` or `invalid_option`
 */
export const createChatStore = (source: ChatStoreSource, options: ChatStoreOptions = {}): ChatStore => {
  checkOptions(options)
  checkSource(source)
  const target = targetOf(source, options)
  const names = namesIn(options.schema ?? target?.schema ?? 'public')
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS
  const patienceMs = deadlineMs === 0 ? DEFAULT_DEADLINE_MS : deadlineMs
  let abandoned = 0
  const onLeft = (): void => {
    abandoned += 1
  }
  const limits = { patienceMs, workMs: patienceMs, onLeft }
  const pool = lazyPool(source, target, options, patienceMs)
  const underWay = new Set<Promise<unknown>>()
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
  const ask = <T>(question: (db: Queryable) => Promise<T>): Promise<T> =>
    track(() => withRetries(deadlineMs, () => question(withLimits(pool.get(), limits))))

  const statements = createPreparedStatements()
  const withKeyGuard = createKeyGuard(names)
  const checkReady = createReadinessCheck({ pool: () => pool.get(), names, withKeyGuard, onLeft })
  const saves = createSaveQueue(
    {
      maxMessages: options.maxQueuedMessages ?? DEFAULT_MAX_QUEUED_MESSAGES,
      maxBytes: options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES,
      deadlineMs,
      patienceMs,
    },
    async (batch) =>
      withPooledClient(pool.get(), limits, (client) =>
        withKeyGuard(client, (keyGuard) => saveBatch({ client, names, statements, keyGuard }, batch)),
      ),
  )

  return {
    saveChatMessage: async (message) => {
      const prepared = prepareMessage(message)
      return track(() => saves.save(prepared))
    },
    getChatHistory: (query) => ask((db) => readHistory(db, names, query)),
    getRecentChats: (query = {}) => ask((db) => readRecentChats({ db, names, statements }, query)),
    markMessagesAsRead: (query) => ask((db) => markAsRead(db, names, query)),
    getInactiveOperators: (operatorIds) => ask((db) => readInactiveOperators(db, names, operatorIds)),
    checkReady: () => track(checkReady),
    getLoad: () => ({
      ...{ queue: { ...saves.load }, pool: pool.load(), abandoned },
      timeline: target?.timelines?.newest,
    }),
    close: (patienceMs) => {
      const ended = Promise.allSettled([...underWay])
      closing ??= (patienceMs === undefined ? ended : within(patienceMs, ended)).then(() => {
        saves.giveUp()
        return pool.end()
      })
      return closing
    },
  }
}

const LEAST_OF_OPTIONS = [
  ['maxConnections', 1],
  ['maxConnectionLifeMs', 1],
  ['deadlineMs', 0],
  ['maxQueuedMessages', 1],
  ['maxQueuedBytes', 1],
] as const

// NaN would mean no limit, and a pool without connections waits forever.
const checkOptions = (options: ChatStoreOptions): void => {
  for (const [name, least] of LEAST_OF_OPTIONS) {
    const value = options[name]
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) continue
    throw invalidOption(`${name} is ${value}, but must be a whole number of at least ${least}`)
  }
  if (options.schema === '') throw invalidOption('schema is empty')
}

const invalidOption = (message: string): InvalidCall => new InvalidCall('invalid_option', message)

// A misspelt name must fail here, not at the first message.
const checkSource = (source: Partial<Record<(typeof SOURCES)[number], unknown>> | undefined): void => {
  const stray = Object.keys(source ?? {}).find((name) => !(SOURCES as readonly string[]).includes(name))
  if (stray !== undefined)
    throw invalidOption(`${stray} names no database; options are the second argument of createChatStore`)
  const given = SOURCES.filter((name) => source?.[name] != null)
  if (given.length === 1) return
  throw invalidOption(`name the database by exactly one of databaseUrl and pool (given: ${given.join(', ') || 'none'})`)
}

const SOURCES = ['databaseUrl', 'pool', 'target'] as const

const targetOf = (source: ChatStoreSource, options: ChatStoreOptions): ConnectionTarget | undefined => {
  if ('target' in source) return forWriting(source.target, { onPromotion: options.onPromotion })
  if (!('databaseUrl' in source)) return undefined
  return forWriting(toConnectionTarget(parseDatabaseUrl(source.databaseUrl, 'databaseUrl')), {
    onPromotion: options.onPromotion,
  })
}

interface LazyPool {
  get(): Pool
  load(): StoreLoad['pool']
  end(): Promise<void>
}

/** How long closing waits for the server to end the connections; a frozen one never does. */
const END_PATIENCE_MS = 2_000

const lazyPool = (
  source: ChatStoreSource,
  target: ConnectionTarget | undefined,
  options: ChatStoreOptions,
  patienceMs: number,
): LazyPool => {
  if (target === undefined) {
    const { pool } = source as { readonly pool: Pool }
    return { get: () => pool, load: () => loadOf(pool), end: () => Promise.resolve() }
  }
  let own: Pool | undefined
  const busy = new Set<PoolClient>()
  const get = (): Pool => {
    if (own !== undefined) return own
    own = createPool(target, {
      max: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      application_name: options.applicationName ?? 'chatkeep',
      // When a server stops answering, the connection counts as lost; a retry with the same key finds the message if it was stored.
      query_timeout: patienceMs,
      maxLifeMs: options.maxConnectionLifeMs,
      pins: 'course',
    })
    own.on('acquire', (client) => busy.add(client))
    own.on('release', (_error, client) => busy.delete(client))
    return own
  }
  const end = async (): Promise<void> => {
    const ended = own?.end()
    // A commit that waits for a standby does not notice that its client is gone.
    await Promise.all(Array.from(busy, endSession))
    await Promise.race([ended, delay(END_PATIENCE_MS, undefined, { ref: false })])
  }
  return { get, load: () => loadOf(own), end }
}

const loadOf = (pool: Pool | undefined): StoreLoad['pool'] => ({
  total: pool?.totalCount ?? 0,
  idle: pool?.idleCount ?? 0,
  waiting: pool?.waitingCount ?? 0,
})
