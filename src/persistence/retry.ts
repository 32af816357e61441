import { setTimeout as delay } from 'node:timers/promises'
import { abortable, onAbort, OwnSignal, pause, type Signal } from '../concurrency/abortable.js'
import { ConnectionProblem, failureReason, NO_ANSWER } from '../database/connection-failure.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'
import { OperatorError } from '../errors.js'
import { isTransient } from './blame.js'
import { explainRefusal, explainRefusedCall, StoreUnavailable } from './errors.js'
import { callHeldByOthers } from './locks/held-by-others.js'
import { noteAttempt, unavailable, unsettled, whyFailed, type PendingSave } from './pending-save.js'

/** Whether the same call may succeed later: the error says so, the server says so, or the connection failed. */
export const isRetryable = (error: unknown): boolean =>
  error instanceof OperatorError ? error.retryable : isTransient(error)

const FIRST_DELAY_MS = 20
const LONGEST_DELAY_MS = 1_000

/** How long to wait after so many failed attempts: doubles each time, with jitter, so that calls that failed together do not return together. */
export const backoffMs = (attempts: number): number =>
  Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), LONGEST_DELAY_MS) * (0.5 + Math.random())

/** What to do after an attempt failed: wait and retry, report the error, or report that the time is up. */
export const afterFailure = (error: unknown, leftMs: number, pauseMs: number): 'retry' | 'refused' | 'too_late' => {
  if (!isRetryable(error)) return 'refused'
  return pauseMs >= leftMs ? 'too_late' : 'retry'
}

/** When retries end: after so many milliseconds, or when a signal fires. */
export interface RetryLimits {
  readonly deadlineMs: number
  /** How long the call waits for its answer, in milliseconds, whatever the attempt that is running waits for; unlimited when absent. */
  readonly patienceMs?: number | undefined
  readonly signal?: Signal | undefined
  /** Fires when the store is closed without waiting for the call, with the error of that as its reason. */
  readonly closed?: AbortSignal | undefined
}

/** What the running attempt waits for has the same limit, and an error that says more. */
const LAST_WORD_MS = 100

/**
 * Runs an operation until it succeeds, fails for good, the time is up or a signal fires. Then the signal that the operation gets
 * fires, too, and it winds up on its own.
 * @throws StoreUnavailable after the deadline, SchemaNotReady when the database lacks what the operation needs, the signal's reason
 */
export const withRetries = async <T>(
  { deadlineMs, patienceMs, signal, closed }: RetryLimits,
  operation: (signal?: OwnSignal) => Promise<T>,
): Promise<T> => {
  const over = new OwnSignal()
  let lastError: unknown
  const onLate = (): void => over.abort(tooLate(lastError ?? new ConnectionProblem(NO_ANSWER, 'network')))
  const timer = patienceMs === undefined ? undefined : setTimeout(onLate, patienceMs + LAST_WORD_MS)
  const stops = [signal, closed].map((each) => each && onAbort(each, () => over.abort(each.reason)))
  try {
    return await abortable(over, (own) =>
      retry({ deadline: Date.now() + deadlineMs, signal: own }, operation, (error) => {
        lastError = whyFailed(lastError, error)
        return lastError
      }),
    )
  } finally {
    clearTimeout(timer)
    for (const stop of stops) stop?.()
  }
}

const retry = async <T>(
  { deadline, signal }: { readonly deadline: number; readonly signal: OwnSignal | undefined },
  operation: (signal?: OwnSignal) => Promise<T>,
  onFailure: (error: unknown) => unknown,
): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation(signal)
    } catch (error) {
      // A statement that was cancelled for the signal could be tried again.
      signal?.throwIfAborted()
      const why = onFailure(error)
      const pauseMs = backoffMs(attempt)
      const next = afterFailure(error, deadline - Date.now(), pauseMs)
      if (next === 'refused') throw explainRefusedCall(error)
      if (next === 'too_late') throw tooLate(why)
      await pause(pauseMs, signal)
    }
  }
}

const tooLate = (error: unknown): StoreUnavailable =>
  new StoreUnavailable(
    failureReason(error),
    hasSqlState(error, SqlState.lockNotAvailable) ? callHeldByOthers(error) : error,
  )

/** Tries to store a batch once, unless the signal ends that. What it leaves unsettled, without an error, waits for another transaction's row lock. */
export type SaveBatch = (batch: readonly PendingSave[], signal?: Signal) => Promise<void>

/** Tries to store a batch until each message is settled or waits for a row lock. Never throws: each message gets its own error. */
export const saveWithRetries = async (
  batch: readonly PendingSave[],
  saveBatch: SaveBatch,
  signal?: Signal,
): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    const open = unsettled(batch)
    if (open.length === 0) return
    noteAttempt(open)
    try {
      await saveBatch(open, signal)
      return
    } catch (error) {
      const pauseMs = backoffMs(attempt)
      for (const one of unsettled(open)) {
        one.heldBy = undefined
        one.lastError = whyFailed(one.lastError, error)
        const next = afterFailure(error, one.deadline - Date.now(), pauseMs)
        if (next === 'refused') one.fail(explainRefusal(error))
        if (next === 'too_late') one.fail(unavailable(one, one.lastError))
      }
      if (unsettled(open).length > 0) await delay(pauseMs)
    }
  }
}
