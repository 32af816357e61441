import type { Client, Pool, PoolClient } from 'pg'
import { abortable, onAbort } from '../../concurrency/abortable.js'
import { OperatorError } from '../../errors.js'
import type { Queryable } from '../connection.js'
import { destroySocket, endAfter, endSession, type Ended } from '../end-session.js'
import { withOwnTypes } from './own-types.js'

/** Time limits of work on a pool's connection, in milliseconds. */
export interface BorrowLimits {
  /** How long to wait for a free connection. */
  readonly patienceMs: number
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
  { patienceMs, workMs, signal, onLeft }: BorrowLimits,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> => {
  const client = await borrow(pool, patienceMs, signal)
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
const borrow = async (pool: Pool, patienceMs: number, signal?: AbortSignal): Promise<PoolClient> => {
  signal?.throwIfAborted()
  const borrowed = pool.connect()
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(noConnectionFree()), patienceMs)
  })
  try {
    return await abortable(signal, () => Promise.race([borrowed, patience]))
  } catch (error) {
    borrowed.then(
      (client) => client.release(),
      () => undefined,
    )
    throw error
  } finally {
    clearTimeout(timer)
  }
}

const noConnectionFree = (): OperatorError =>
  new OperatorError('no_connection_free', 'no connection of the pool became available', { retryable: true })
