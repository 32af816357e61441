import type { Client, Pool, PoolClient } from 'pg'
import { abortable, onAbort } from '../../concurrency/abortable.js'
import type { Next } from '../../next-step.js'
import type { Queryable } from '../connection.js'
import { destroySocket, endAfter, endSession, type Ended } from '../end-session.js'
import { isPoolTimeout, noConnectionFree } from './no-connection-free.js'
import { withOwnTypes } from './own-types.js'

/** Time limits of work on a pool's connection, in milliseconds. */
export interface BorrowLimits {
  /** How long to wait for a free connection. */
  readonly patienceMs: number
  /** What to do when none becomes free. */
  readonly noneFreeHint?: Next | undefined
  /** How long the work may take; then its statement is cancelled, and the connection closed: the server may have stopped answering. */
  readonly workMs: number
  /** Gives the work up, as the end of `workMs` does. */
  readonly signal?: AbortSignal | undefined
  /** Told when what was given up may still run in the server. */
  readonly onLeft?: (() => void) | undefined
}

/**
 * Runs work on a connection of a pool. After an error the connection is closed: it may be broken, or its server read-only. What
 * is given up is first cancelled in the server, and the error comes when that is done, or has failed.
 */
export const withPooledClient = async <T>(
  pool: Pool,
  limits: BorrowLimits,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> => {
  const { workMs, signal, onLeft } = limits
  const client = await borrow(pool, limits)
  // The next query reports a connection that broke between two queries; without a listener the error would end the process.
  const onError = (): void => undefined
  client.on('error', onError)
  let ending: Promise<Ended> | undefined
  const giveUp = (): void => {
    ending ??= endSession(client)
    void ending.then(() => destroySocket(client))
  }
  const limit = setTimeout(giveUp, workMs)
  const stopListening = signal && onAbort(signal, giveUp)
  let isUsable = false
  try {
    const result = await work(withOwnTypes(client))
    isUsable = ending === undefined
    return result
  } catch (error) {
    clearTimeout(limit)
    ending ??= endAfter(client, error)
    throw error
  } finally {
    clearTimeout(limit)
    stopListening?.()
    if (ending !== undefined && (await ending) === 'left') onLeft?.()
    client.off('error', onError)
    client.release(!isUsable)
  }
}

/** A pool that runs each query through `withPooledClient`. */
export const withLimits = (pool: Pool, limits: BorrowLimits): Queryable => ({
  // Only this overload is used.
  query: ((text: string, values?: unknown[]) =>
    withPooledClient(pool, limits, (client) => client.query(text, values))) as Client['query'],
})

// A caller's pool may wait forever for connections that are never released.
const borrow = async (pool: Pool, { patienceMs, signal, noneFreeHint }: BorrowLimits): Promise<PoolClient> => {
  signal?.throwIfAborted()
  const startedAt = performance.now()
  const borrowed = pool.connect()
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(noConnectionFree(pool, patienceMs, noneFreeHint)), patienceMs)
  })
  try {
    return await abortable(signal, () => Promise.race([borrowed, patience]))
  } catch (error) {
    borrowed.then(
      (client) => client.release(),
      () => undefined,
    )
    throw isPoolTimeout(error) ? noConnectionFree(pool, performance.now() - startedAt, noneFreeHint, error) : error
  } finally {
    clearTimeout(timer)
  }
}
