import { setTimeout as delay } from 'node:timers/promises'
import type { Client, Pool, PoolClient } from 'pg'
import { onAbort } from '../../concurrency/abortable.js'
import { ConnectionProblem, failureReason, NO_ANSWER, noteGivenUp, wasGivenUp } from '../connection-failure.js'
import { OperatorError } from '../../errors.js'
import type { Queryable } from '../connection.js'
import { destroySocket, endAfter, endSession, type Ended } from '../end-session.js'
import { borrow, type BorrowPatience, type Lease } from './borrow.js'
import { hasSqlState, isServerError, SqlState } from '../sql-state.js'
import { askEncoding, isUtf8, knownEncoding, wrongClientEncoding } from '../session/client-encoding.js'
import { NO_CONNECTION_FREE } from './no-connection-free.js'
import { withOwnTypes } from '../session/own-types.js'
import { noteDone } from './own-work.js'
import { isWhole } from './whole-session.js'
import {
  answeredInTransaction,
  connectionInTransaction,
  isInTransaction,
  knownInTransaction,
} from './transaction-status.js'

/** Time limits of work on a pool's connection, in milliseconds. */
export interface BorrowLimits extends BorrowPatience {
  /** How long the work may take; then it is given up, as when the signal fires: the server may have stopped answering. */
  readonly workMs: number
  /** Told when what was given up may still run in the server. */
  readonly onLeft?: (() => void) | undefined
}

/**
 * Runs work on a connection of a pool that is outside of a transaction and in UTF8. After an error of the work it is closed: it may be
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
  noteDone(pool)
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

/**
 * Work that is given up so soon after its beginning may end its statement first: most take a few milliseconds, and a cancel request
 * costs two connections, its own and that of the statement, for which all others then wait.
 */
const QUICK_MS = 100

/**
 * Runs work within its limits. What is given up begins no other statement, and the one that runs is cancelled unless it ends soon.
 * When the work fails, or its session is not whole after a cancel, the connection is given back: ended, unless the work was given up and
 * the session is whole. Else it is still the caller's.
 */
const inLimits = async <T>(
  { client, giveBack }: Lease,
  { workMs, signal, onLeft }: BorrowLimits,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> => {
  const cancelFrom = performance.now() + QUICK_MS
  let givenUp = false
  let isOver = false
  let hasFailed = false
  let quick: NodeJS.Timeout | undefined
  let ending: Promise<Ended> | undefined
  let onSilent: (error: Error) => void
  const silent = new Promise<never>((_resolve, reject) => {
    onSilent = reject
  })
  const cancel = (): void => {
    ending ??= endSession(client)
    void ending.then(async (ended) => {
      if (ended === 'ended' || ended === 'left') destroySocket(client)
      await delay(GRACE_MS)
      if (isOver) return
      // The work may still go on, so nobody else can use its connection.
      ending = Promise.resolve(notWhole(ended))
      destroySocket(client)
      onSilent(noAnswer())
    })
  }
  const giveUp = (): void => {
    if (givenUp) return
    givenUp = true
    const leftMs = cancelFrom - performance.now()
    if (leftMs > 0) quick = setTimeout(cancel, leftMs)
    else cancel()
  }
  const isGivenUp = (): boolean => givenUp
  const endsSoon = (): boolean => givenUp && ending === undefined
  const limit = setTimeout(giveUp, workMs)
  const stopListening = signal && onAbort(signal, giveUp)
  try {
    return await Promise.race([work(untilGivenUp(withOwnTypes(client), endsSoon)), silent])
  } catch (error) {
    hasFailed = true
    clearTimeout(limit)
    if (ending !== undefined && hasSqlState(error, SqlState.queryCanceled)) noteGivenUp(error)
    ending ??= endsSoon() && !isServerError(error) ? endSession(client) : endAfter(client, error)
    // Another error may have left more behind than the transaction.
    if (!wasGivenUp(error)) ending = ending.then(notWhole)
    throw error
  } finally {
    isOver = true
    clearTimeout(limit)
    clearTimeout(quick)
    stopListening?.()
    if (ending !== undefined) {
      const ended = await ending
      if (ended === 'left') onLeft?.()
      if (!isGivenUp() || !(await isWhole(client, ended))) giveBack(true)
      else if (hasFailed) giveBack(false)
    }
  }
}

const notWhole = (ended: Ended): Ended => (ended === 'left' ? 'left' : 'ended')

/** The client, with which no statement can be begun any more as soon as its work is given up. */
const untilGivenUp = (client: PoolClient, isGivenUp: () => boolean): PoolClient => {
  const refuse = (): Promise<never> => Promise.reject(noAnswer())
  return new Proxy(client, {
    get: (target, name) => (name === 'query' && isGivenUp() ? refuse : (Reflect.get(target, name, target) as unknown)),
  })
}

const noAnswer = (): Error => {
  const error = new ConnectionProblem(NO_ANSWER, 'network')
  noteGivenUp(error)
  return error
}
