import type { Pool, PoolClient } from 'pg'
import { onAbort, type Signal } from '../../concurrency/abortable.js'
import type { Next } from '../../next-step.js'
import { ConnectionProblem } from '../connection-failure.js'
import { refusesTransactions } from '../errors/pooler-error.js'
import { isServerError } from '../sql-state.js'
import { isPoolTimeout, noConnection } from './no-connection-free.js'
import { noteLent, ownWorkOn } from './own-work.js'

/** A connection that was taken from a pool. */
export interface Lease {
  readonly client: PoolClient
  /** Gives it back, once; a broken one is closed. */
  readonly giveBack: (isBroken: boolean) => void
}

/** How long to wait for a free connection: a caller's pool may wait forever for those that are never released. */
export interface BorrowPatience {
  readonly patienceMs: number
  /** What to do when none becomes free. */
  readonly noneFreeHint?: Next | undefined
  readonly signal?: Signal | undefined
}

/** @throws OperatorError `no_connection_free`, the errors of connecting, the signal's reason */
export const borrow = async (pool: Pool, { patienceMs, signal, noneFreeHint }: BorrowPatience): Promise<Lease> => {
  signal?.throwIfAborted()
  const startedAt = performance.now()
  const why = (waitedMs: number, cause?: unknown): Error =>
    noConnection(pool, ownWorkOn(pool), waitedMs, noneFreeHint, cause)
  const borrowed = pool.connect().catch(throwRefusal)
  let timer: NodeJS.Timeout | undefined
  let stopListening: (() => void) | undefined
  const givenUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(why(patienceMs)), patienceMs)
    stopListening = signal && onAbort(signal, () => reject(signal.reason as Error))
  })
  try {
    return leaseOf(pool, await Promise.race([borrowed, givenUp]))
  } catch (error) {
    borrowed.then(
      (client) => client.release(),
      () => undefined,
    )
    throw isPoolTimeout(error) ? why(performance.now() - startedAt, error) : error
  } finally {
    clearTimeout(timer)
    stopListening?.()
  }
}

/**
 * The SQLSTATE of a refused connection can be that of a refused statement (a missing CONNECT, ALLOW_CONNECTIONS false), which is
 * final. That of a connection says nothing about what was to be run on it.
 */
const throwRefusal = (error: unknown): never => {
  throw isServerError(error) && !refusesTransactions(error)
    ? new ConnectionProblem(error.message, 'refused', error)
    : error
}

const leaseOf = (pool: Pool, client: PoolClient): Lease => {
  // The next query reports a connection that broke between two queries; without a listener the error would end the process.
  const onError = (): void => undefined
  client.on('error', onError)
  noteLent(pool, 1)
  let isGivenBack = false
  const giveBack = (isBroken: boolean): void => {
    if (isGivenBack) return
    isGivenBack = true
    noteLent(pool, -1)
    client.off('error', onError)
    client.release(isBroken)
  }
  return { client, giveBack }
}
