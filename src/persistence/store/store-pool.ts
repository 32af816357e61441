import { setTimeout as delay } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'
import { guarded } from '../../application-callback.js'
import { ConnectionProblem, NO_ANSWER } from '../../database/connection-failure.js'
import { createPool } from '../../database/connection.js'
import {
  forWriting,
  parseDatabaseUrl,
  toConnectionTarget,
  type ConnectionTarget,
} from '../../database/connection-target.js'
import { destroySocket, endSession } from '../../database/end-session.js'
import { noConnection } from '../../database/pools/no-connection-free.js'
import { ownWorkOn } from '../../database/pools/own-work.js'
import { OperatorError } from '../../errors.js'
import { DEFAULT_MAX_MESSAGE_BYTES } from '../content/message-size.js'
import { mostSentBytes, storingTimeMs } from '../content/storing-time.js'
import { InvalidCall, StoreClosed } from '../errors.js'
import { DEFAULT_MAX_CONNECTIONS, type ChatStoreOptions, type ChatStoreSource } from './store-options.js'

/** The server of the store's own pool; undefined for a caller's pool. */
export const targetOf = (source: ChatStoreSource, options: ChatStoreOptions): ConnectionTarget | undefined => {
  const onPromotion = options.onPromotion && guarded('onPromotion', options.onPromotion)
  if ('target' in source) return forWriting(source.target, { onPromotion })
  if (!('databaseUrl' in source)) return undefined
  return forWriting(targetOfUrl(source.databaseUrl), { onPromotion })
}

/** @throws InvalidCall what is wrong with the URL */
const targetOfUrl = (databaseUrl: string): ConnectionTarget => {
  try {
    return toConnectionTarget(parseDatabaseUrl(databaseUrl, 'databaseUrl'))
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    const { code, message, next, details, cause } = error
    throw new InvalidCall(code, message, { hint: next, details, cause })
  }
}

/** Connections of the pool, those that nobody uses, and calls that wait for one. */
export interface PoolLoad {
  readonly total: number
  readonly idle: number
  readonly waiting: number
}

export interface StorePool {
  get(): Pool
  load(): PoolLoad
  /** What to do when no connection becomes free. */
  readonly noneFreeHint: string | undefined
  /** Why a call that waited for so many milliseconds has no answer. */
  whyLate(waitedMs: number): unknown
  end(): Promise<void>
}

/** How long closing waits for the server to end the connections; a frozen one never does. */
const END_PATIENCE_MS = 1_000

/** The pool of a store: its own, made at the first use, or the caller's. */
export const createStorePool = (
  source: ChatStoreSource,
  target: ConnectionTarget | undefined,
  options: ChatStoreOptions,
  patienceMs: number,
): StorePool => {
  if (target === undefined) {
    // The version of the types that it is made with does not matter: it is a pool of pg.
    const { pool } = source as { readonly pool: Pool }
    return {
      ...{ get: () => refuseEnded(pool), load: () => loadOf(pool), end: () => Promise.resolve() },
      noneFreeHint: CALLERS_POOL,
      whyLate: (waitedMs) => whyLate(pool, waitedMs, CALLERS_POOL),
    }
  }
  let own: Pool | undefined
  const open = new Set<PoolClient>()
  const busy = new Set<PoolClient>()
  const get = (): Pool => {
    if (own !== undefined) return own
    own = createPool(target, {
      max: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      application_name: options.applicationName ?? 'chatkeep',
      // When a server stops answering, the connection counts as lost; a retry with the same key finds the message if it was stored.
      // Work on a connection has a limit of its own, by the size of what it stores; this one is for the largest message.
      query_timeout: patienceMs + storingTimeMs(mostSentBytes(options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES)),
      maxLifeMs: options.maxConnectionLifeMs,
      pins: 'course',
    })
    own.on('connect', (client) => open.add(client))
    own.on('remove', (client) => open.delete(client))
    own.on('acquire', (client) => busy.add(client))
    own.on('release', (_error, client) => busy.delete(client))
    return own
  }
  const end = async (): Promise<void> => {
    // A commit that waits for a standby does not notice that its client is gone.
    const ended = Promise.all([own?.end(), ...Array.from(busy, endSession)])
    await Promise.race([ended, delay(END_PATIENCE_MS, undefined, { ref: false })])
    // A peer that does not answer keeps no process alive.
    for (const client of open) destroySocket(client)
  }
  return { get, load: () => loadOf(own), end, noneFreeHint: undefined, whyLate: (waitedMs) => whyLate(own, waitedMs) }
}

// The driver's own error says neither whose pool it is nor, by a code, what has happened.
const refuseEnded = (pool: Pool): Pool => {
  if (pool.ending) throw new StoreClosed('the pool that the store was given has been ended')
  return pool
}

// Most often the caller's transaction holds the connection, and waits for the message.
const CALLERS_POOL =
  'inside a transaction, pass { db: client } to saveChatMessage; otherwise release connections sooner, or make the pool larger'

const whyLate = (pool: Pool | undefined, waitedMs: number, hint?: string): unknown =>
  pool !== undefined && pool.waitingCount > 0
    ? noConnection(pool, ownWorkOn(pool), waitedMs, hint)
    : new ConnectionProblem(NO_ANSWER, 'network')

const loadOf = (pool: Pool | undefined): PoolLoad => ({
  total: pool?.totalCount ?? 0,
  idle: pool?.idleCount ?? 0,
  waiting: pool?.waitingCount ?? 0,
})
