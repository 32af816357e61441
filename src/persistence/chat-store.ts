import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { createPool } from '../database/connection.js'
import { parseDatabaseUrl, toConnectionTarget, type ConnectionTarget } from '../database/connection-target.js'
import { StoreClosed } from './errors.js'
import { readHistory, type HistoryPage, type HistoryQuery } from './history.js'
import { markAsRead, type MarkAsReadQuery } from './mark-as-read.js'
import type { NewChatMessage, SavedChatMessage } from './message.js'
import { prepareMessage } from './prepare-message.js'
import { readRecentChats, type RecentChatsPage, type RecentChatsQuery } from './recent-chats.js'
import { withRetries } from './retry.js'
import { saveMessage } from './save-message.js'
import { namesIn } from './statements.js'

/** Where the messages are: a URL, or a pool that stays the caller's own. */
export type ChatStoreSource =
  { readonly databaseUrl: string } | { readonly pool: Pool } | { readonly target: ConnectionTarget }

export interface ChatStoreOptions {
  /** Schema of the tables; `public`, or the URL's `?schema=`, when absent. */
  readonly schema?: string | undefined
  /** Size of the store's own pool; 10 when absent. Ignored with a pool of the caller's. */
  readonly maxConnections?: number | undefined
  /** How long one call may retry before it fails with `StoreUnavailable`, in milliseconds; 10,000 when absent. */
  readonly deadlineMs?: number | undefined
  /** Shown in pg_stat_activity; `chatkeep` when absent. */
  readonly applicationName?: string | undefined
}

/** Keeps chat messages. Every promise resolves after its commit, and nothing turns an error into an empty list. */
export interface ChatStore {
  /**
   * Keeps a message, exactly once for its idempotency key, and makes a client of a guest.
   * @throws InvalidMessage, IdempotencyConflict, StoreUnavailable (retryable), SchemaNotReady, StoreClosed
   */
  saveChatMessage(message: NewChatMessage): Promise<SavedChatMessage>
  /** One page of one contact's messages. */
  getChatHistory(query: HistoryQuery): Promise<HistoryPage>
  /** The chats of clients and guests, the one that was active last first. */
  getRecentChats(query?: RecentChatsQuery): Promise<RecentChatsPage>
  /** Marks messages from the client's side as read; resolves to how many changed. */
  markMessagesAsRead(query: MarkAsReadQuery): Promise<number>
  /** Waits for the calls under way, refuses new ones, and ends the store's own pool. May be called twice. */
  close(): Promise<void>
}

const DEFAULT_DEADLINE_MS = 10_000
const DEFAULT_MAX_CONNECTIONS = 10

/**
 * Opens a store. Connects at the first call; reads no environment, prints nothing.
 * @throws OperatorError `invalid_database_url` or `invalid_connection_setting`
 */
export const createChatStore = (source: ChatStoreSource, options: ChatStoreOptions = {}): ChatStore => {
  const target = targetOf(source)
  const names = namesIn(options.schema ?? target?.schema ?? 'public')
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS
  const pool = lazyPool(source, target, options, deadlineMs)
  const underWay = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined

  const track = async <T>(operation: (outcomeUnknown: boolean, pool: Pool) => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw new StoreClosed()
    const call = withRetries(deadlineMs, async (outcomeUnknown) => operation(outcomeUnknown, await pool.get()))
    underWay.add(call)
    try {
      return await call
    } finally {
      underWay.delete(call)
    }
  }

  return {
    saveChatMessage: async (message) => {
      const prepared = prepareMessage(message)
      return track(async (outcomeUnknown, db) => {
        const saved = await saveMessage(db, names, prepared)
        // Our own earlier attempt may be what it met: then this call saved it after all.
        return outcomeUnknown ? { ...saved, duplicate: false } : saved
      })
    },
    getChatHistory: (query) => track((_, db) => readHistory(db, names, query)),
    getRecentChats: (query = {}) => track((_, db) => readRecentChats(db, names, query)),
    markMessagesAsRead: (query) => track((_, db) => markAsRead(db, names, query)),
    close: () => {
      closing ??= Promise.allSettled([...underWay]).then(() => pool.end())
      return closing
    },
  }
}

const targetOf = (source: ChatStoreSource): ConnectionTarget | undefined => {
  if ('target' in source) return source.target
  return 'databaseUrl' in source ? toConnectionTarget(parseDatabaseUrl(source.databaseUrl, 'databaseUrl')) : undefined
}

interface LazyPool {
  get(): Promise<Pool>
  end(): Promise<void>
}

/** How long a server may take to say good-bye; a frozen one never does. */
const END_PATIENCE_MS = 2_000

const lazyPool = (
  source: ChatStoreSource,
  target: ConnectionTarget | undefined,
  options: ChatStoreOptions,
  deadlineMs: number,
): LazyPool => {
  if (target === undefined) {
    const { pool } = source as { readonly pool: Pool }
    return { get: () => Promise.resolve(pool), end: () => Promise.resolve() }
  }
  let own: Promise<Pool> | undefined
  const get = (): Promise<Pool> => {
    own ??= createPool(target, {
      max: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      application_name: options.applicationName ?? 'chatkeep',
      // A silent server hangs nobody: the connection counts as lost, and the key settles what became of the message.
      query_timeout: deadlineMs === 0 ? DEFAULT_DEADLINE_MS : deadlineMs,
    })
    return own
  }
  const end = async (): Promise<void> => {
    const ended = (await own)?.end()
    await Promise.race([ended, delay(END_PATIENCE_MS, undefined, { ref: false })])
  }
  return { get, end }
}
