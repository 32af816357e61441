import { setTimeout as delay } from 'node:timers/promises'
import type { Client, Pool, PoolClient } from 'pg'
import { onAbort } from '../../concurrency/abortable.js'
import { ConnectionProblem, failureReason, NO_ANSWER, noteGivenUp } from '../connection-failure.js'
import { OperatorError } from '../../errors.js'
import type { Queryable } from '../connection.js'
import { destroySocket, endAfter, endSession, type Ended } from '../end-session.js'
import { borrow, type BorrowPatience, type Lease } from './borrow.js'
import { hasSqlState, SqlState } from '../sql-state.js'
import { askEncoding, isUtf8, knownEncoding, wrongClientEncoding } from '../session/client-encoding.js'
import { NO_CONNECTION_FREE } from './no-connection-free.js'
import { withOwnTypes } from '../session/own-types.js'
import {
  answeredInTransaction,
  connectionInTransaction,
  isInTransaction,
  knownInTransaction,
} from './transaction-status.js'

/** Time limits of work on a pool's connection, in milliseconds. */
export interface BorrowLimits extends BorrowPatience {
  /** How long the work may take; then its statement is cancelled, and the connection closed: the server may have stopped answering. */
  readonly workMs: number
  /** Told when what was given up may still run in the server. */
  readonly onLeft?: (() => void) | undefined
}

/**
 * Runs work on a connection of a pool that is outside of a transaction and in UTF8. After an error the connection is closed: it may be
 * broken, or its server read-only. What is given up is first cancelled in the server, and the error comes when that is done, or
 * has failed.
 * @throws OperatorError `connection_in_transaction`, `client_encoding_not_utf8`, `no_connection_free`, all retryable
 */
export const withPooledClient = async <T>(
  pool: Pool,
  limits: BorrowLimits,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> => {
  const lease = await borrowFit(pool, limits)
  const result = await inLimits(lease, limits, async (client) => {
    const done = await work(client)
    if (answeredInTransaction(client) === true) throw connectionInTransaction()
    return done
  })
  lease.giveBack(false)
  return result
}

/** A pool that runs each query through `withPooledClient`. */
export const withLimits = (pool: Pool, limits: BorrowLimits): Queryable => ({
  // Only this overload is used.
  query: ((text: string, values?: unknown[]) =>
    withPooledClient(pool, limits, (client) => client.query(text, values))) as Client['query'],
})

/** How long to wait for another connection while one is held that nothing can be run on. */
const ANOTHER_MS = 100

/**
 * A connection that the application gave back inside of a transaction is left as it is: whatever ends the transaction, or runs
 * in it, is the application's. So is one whose encoding it has changed.
 */
const borrowFit = async (pool: Pool, limits: BorrowLimits): Promise<Lease> => {
  const held: Lease[] = []
  let unfit: OperatorError | undefined
  try {
    for (;;) {
      const patienceMs = held.length === 0 ? limits.patienceMs : Math.min(limits.patienceMs, ANOTHER_MS)
      const lease = await borrow(pool, { ...limits, patienceMs })
      const problem = await problemOf(lease, limits)
      if (problem === undefined) return lease
      unfit = problem
      held.push(lease)
      if (!hasAnother(pool)) throw unfit
    }
  } catch (error) {
    throw unfit !== undefined && isPatienceOver(error) ? unfit : error
  } finally {
    for (const { giveBack } of held) giveBack(false)
  }
}

const problemOf = async (lease: Lease, limits: BorrowLimits): Promise<OperatorError | undefined> => {
  // A signal that fires meanwhile must not end the application's transaction.
  const asking = { ...limits, signal: undefined }
  if (knownInTransaction(lease.client) ?? (await inLimits(lease, asking, isInTransaction)))
    return connectionInTransaction()
  const encoding = knownEncoding(lease.client) ?? (await inLimits(lease, asking, askEncoding))
  return isUtf8(encoding) ? undefined : wrongClientEncoding(encoding)
}

/** Whether a connection can be had without waiting for one that is in use. */
const hasAnother = ({ idleCount, totalCount, options }: Partial<Pool>): boolean =>
  Number(idleCount) > 0 || Number(totalCount) < Number(options?.max)

const isPatienceOver = (error: unknown): boolean =>
  (error instanceof OperatorError && error.code === NO_CONNECTION_FREE) || failureReason(error) === NO_ANSWER

/** Once the connection of a given up statement is closed, its driver reports the error at once. */
const GRACE_MS = 100

/** Runs work within its limits. When it fails or is given up, the connection is ended and given back; else it is still the caller's. */
const inLimits = async <T>(
  { client, giveBack }: Lease,
  { workMs, signal, onLeft }: BorrowLimits,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> => {
  let ending: Promise<Ended> | undefined
  let onSilent: (error: Error) => void
  const silent = new Promise<never>((_resolve, reject) => {
    onSilent = reject
  })
  const giveUp = (): void => {
    ending ??= endSession(client)
    void ending.then(async () => {
      destroySocket(client)
      await delay(GRACE_MS)
      onSilent(new ConnectionProblem(NO_ANSWER, 'network'))
    })
  }
  const limit = setTimeout(giveUp, workMs)
  const stopListening = signal && onAbort(signal, giveUp)
  try {
    return await Promise.race([work(withOwnTypes(client)), silent])
  } catch (error) {
    clearTimeout(limit)
    if (ending !== undefined && hasSqlState(error, SqlState.queryCanceled)) noteGivenUp(error)
    ending ??= endAfter(client, error)
    throw error
  } finally {
    clearTimeout(limit)
    stopListening?.()
    if (ending !== undefined) {
      if ((await ending) === 'left') onLeft?.()
      giveBack(true)
    }
  }
}
