import { setTimeout as delay } from 'node:timers/promises'
import { connectionFailureReason } from '../database/connection-failure.js'
import { OperatorError } from '../errors.js'
import { isPassing } from './blame.js'
import { explainRefusal, StoreUnavailable } from './errors.js'

/** Whether the same call may succeed later: the server says so, or the connection to it broke. */
export const isRetryable = (error: unknown): boolean =>
  error instanceof OperatorError ? error.retryable : isPassing(error)

const FIRST_DELAY_MS = 20
const LONGEST_DELAY_MS = 1_000

/** How long to wait after so many failed attempts: doubling, with jitter, so that many who failed together do not return together. */
export const backoffMs = (attempts: number): number =>
  Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), LONGEST_DELAY_MS) * (0.5 + Math.random())

/**
 * Runs an operation until it succeeds, fails for good, or the deadline passes.
 * @throws StoreUnavailable after the deadline, SchemaNotReady when the database lacks what the operation needs
 */
export const withRetries = async <T>(deadlineMs: number, operation: () => Promise<T>): Promise<T> => {
  const deadline = Date.now() + deadlineMs
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation()
    } catch (error) {
      if (!isRetryable(error)) throw explainRefusal(error)
      const pause = backoffMs(attempt)
      if (Date.now() + pause >= deadline) throw new StoreUnavailable(reasonOf(error), error)
      await delay(pause)
    }
  }
}

/** Why the database could not be used, in a few words. */
export const reasonOf = (error: unknown): string =>
  connectionFailureReason(error) ?? (error instanceof Error ? error.message : String(error))
