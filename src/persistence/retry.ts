import { setTimeout as delay } from 'node:timers/promises'
import { failureReason } from '../database/connection-failure.js'
import { OperatorError } from '../errors.js'
import { isTransient } from './blame.js'
import { explainRefusal, StoreUnavailable } from './errors.js'
import { noteAttempt, unavailable, unsettled, type PendingSave } from './pending-save.js'

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

/** When retries end: after so many milliseconds, or when the signal fires. */
export interface RetryLimits {
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs an operation until it succeeds, fails for good, the deadline passes or the signal fires.
 * @throws StoreUnavailable after the deadline, SchemaNotReady when the database lacks what the operation needs, the signal's reason
 */
export const withRetries = async <T>({ deadlineMs, signal }: RetryLimits, operation: () => Promise<T>): Promise<T> => {
  const deadline = Date.now() + deadlineMs
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation()
    } catch (error) {
      // A statement that was cancelled for the signal could be tried again.
      signal?.throwIfAborted()
      const pauseMs = backoffMs(attempt)
      const next = afterFailure(error, deadline - Date.now(), pauseMs)
      if (next === 'refused') throw explainRefusal(error)
      if (next === 'too_late') throw new StoreUnavailable(failureReason(error), error)
      await delay(pauseMs, undefined, { signal })
    }
  }
}

/** Tries to store a batch once. What it leaves unsettled, without an error, waits for another transaction's row lock. */
export type SaveBatch = (batch: readonly PendingSave[]) => Promise<void>

/** Tries to store a batch until each message is settled or waits for a row lock. Never throws: each message gets its own error. */
export const saveWithRetries = async (batch: readonly PendingSave[], saveBatch: SaveBatch): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    const open = unsettled(batch)
    if (open.length === 0) return
    noteAttempt(open)
    try {
      await saveBatch(open)
      return
    } catch (error) {
      const pauseMs = backoffMs(attempt)
      for (const one of unsettled(open)) {
        const next = afterFailure(error, one.deadline - Date.now(), pauseMs)
        if (next === 'refused') one.fail(explainRefusal(error))
        if (next === 'too_late') one.fail(unavailable(one, error))
      }
      if (unsettled(open).length > 0) await delay(pauseMs)
    }
  }
}
