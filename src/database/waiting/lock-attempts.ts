import { setTimeout as delay } from 'node:timers/promises'
import type { QueryResult } from 'pg'
import { ExitCode, OperatorError } from '../../errors.js'
import { blockageBehind, describeBlockers, getPastBlockers, OLDER_TRANSACTIONS, type Blockage } from '../blockers.js'
import type { Queryable } from '../connection.js'
import { COMMIT_LOCALLY } from '../durability/commit-locally.js'
import { pinTransaction, type Pins } from '../pinned-settings.js'
import { hasSqlState, SqlState } from '../sql-state.js'
import { BEGIN } from '../transaction.js'
import { findLockHolders } from './lock-holders.js'
import { beginWait, type WaitBudget } from './wait-budget.js'
import type { OnWaitEvent } from './wait-events.js'

export interface LockWaitOptions {
  /**
   * How long one attempt waits for a lock. Every reader and writer of the table queues behind a waiting ALTER TABLE, so this
   * is also the longest stall of other sessions.
   */
  readonly lockTimeoutMs: number
  /** Limit over all attempts of a command. */
  readonly maxWait: WaitBudget
  readonly signal: AbortSignal
  readonly onEvent: OnWaitEvent
}

/**
 * How long one attempt of a read waits. The lock of a read, while it waits, holds up no reader and no writer: only those who
 * want the table for themselves alone. Longer than the server's deadlock_timeout (1 s), after which autovacuum yields. An
 * attempt ends at all because its snapshot is older than what the holder of the lock commits.
 */
export const READ_LOCK_TIMEOUT_MS = 1_500

/**
 * Repeats an attempt that could not get a lock, with exponential backoff and jitter.
 * @param attempt has a lock time-out, and leaves no transaction open when it fails
 * @throws OperatorError `table_busy` (exit 4) naming the lock holders, when the time to wait is spent
 */
export const retryWhileLocked = async <T>(
  client: Queryable,
  options: LockWaitOptions,
  attempt: () => Promise<T>,
): Promise<T> => {
  const { maxWait, signal, onEvent } = options
  for (let attempts = 1; ; attempts += 1) {
    const wait = beginWait(maxWait)
    try {
      return await attempt()
    } catch (error) {
      if (!hasSqlState(error, SqlState.lockNotAvailable, SqlState.deadlockDetected)) throw error
      signal.throwIfAborted()
      const blockage = blockageBehind(error) ?? (await findLockHolders(client, 'a change of the table'))
      const leftMs = maxWait.maxMs - wait.elapsedMs()
      if (leftMs <= 0) throw tableBusy(blockage, options, error)
      await pauseFor(Math.min(backoffMs(attempts) * (0.5 + Math.random()), leftMs), signal, () =>
        onEvent({
          type: 'retrying',
          attempt: attempts,
          elapsedMs: wait.elapsedMs(),
          maxWaitMs: maxWait.maxMs,
          ...blockage,
        }),
      )
      signal.throwIfAborted()
      wait.end()
    }
  }
}

/**
 * Runs work in a transaction with a short lock time-out, and retries until it succeeds.
 * @param begin the statement that opens the transaction
 * @returns with the transaction still open, for the caller to extend and commit
 * @throws OperatorError `table_busy` (exit 4) naming the lock holders; nothing was changed
 */
export const beginWithShortLocks = <T>(
  client: Queryable,
  begin: string,
  options: LockWaitOptions,
  work: () => Promise<T>,
): Promise<T> =>
  retryWhileLocked(client, options, async () => {
    await client.query(begin)
    await client.query(`SET LOCAL lock_timeout = ${options.lockTimeoutMs}`)
    try {
      return await work()
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined)
      throw error
    }
  })

/**
 * Like `beginWithShortLocks`, but commits, on this server alone: the lock is not kept while a standby is waited for. The
 * caller waits for that afterwards.
 */
export const withShortLocks = async <T>(
  client: Queryable,
  options: LockWaitOptions,
  work: () => Promise<T>,
): Promise<T> => {
  const result = await beginWithShortLocks(client, `${BEGIN}; ${COMMIT_LOCALLY}`, options, work)
  await client.query('COMMIT')
  return result
}

/** Like `withShortLocks`, for work that only reads. */
export const readWithLocks = <T>(client: Queryable, options: LockWaitOptions, work: () => Promise<T>): Promise<T> =>
  withShortLocks(client, { ...options, lockTimeoutMs: READ_LOCK_TIMEOUT_MS }, work)

/**
 * Runs each statement in a transaction of its own, in which a pooler keeps the settings. For statements that read, or write
 * single rows.
 */
export const withLockWaits = (client: Queryable, pins: Pins, options: LockWaitOptions): Queryable => {
  const patient = { ...options, lockTimeoutMs: READ_LOCK_TIMEOUT_MS }
  const begin = `${BEGIN}; ${pinTransaction(pins)}`
  const run = async (text: string, values?: unknown[]): Promise<QueryResult> => {
    const result = await beginWithShortLocks(client, begin, patient, () => client.query(text, values))
    await client.query('COMMIT')
    return result
  }
  // Only this overload is used.
  return { query: run as Queryable['query'] }
}

const SHORTEST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 3_000

/** The pause after an attempt, counted from 1, before jitter of half to one and a half times. */
export const backoffMs = (attempt: number): number => Math.min(SHORTEST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS)

const REFRESH_MS = 500

// Reports repeatedly, so the elapsed time on screen keeps moving.
const pauseFor = async (pauseMs: number, signal: AbortSignal, report: () => void): Promise<void> => {
  const end = performance.now() + pauseMs
  for (let left = pauseMs; left > 0 && !signal.aborted; left = end - performance.now()) {
    report()
    await delay(Math.min(left, REFRESH_MS), undefined, { signal }).catch(() => undefined)
  }
}

const tableBusy = (
  { what, blockers }: Blockage,
  { maxWait, lockTimeoutMs }: LockWaitOptions,
  cause: unknown,
): OperatorError => {
  const holders = blockers.length === 0 ? 'the lock was not free in time' : describeBlockers(blockers)
  const words =
    what === OLDER_TRANSACTIONS ? 'the transaction of another session did not end in' : `${what} was in use for`
  return new OperatorError('table_busy', `${words} ${maxWait.maxMs / 1_000} s: ${holders}`, {
    exitCode: ExitCode.busy,
    retryable: true,
    cause,
    sqlState: SqlState.lockNotAvailable,
    hint: getPastBlockers(blockers, lockTimeoutMs),
    facts: { blockers },
  })
}
