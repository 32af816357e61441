import { setTimeout as delay } from 'node:timers/promises'
import type { OperatorError } from '../../errors.js'
import type { ProgressUpdate } from '../../terminal/progress.js'
import { duration } from '../../terminal/render.js'
import { failureReason, firstCause } from '../connection-failure.js'

/** How a run waits for a database that is unavailable, as during a failover. */
export interface OutageWait {
  /** Of each outage. */
  readonly limitMs: number
  readonly signal: AbortSignal
  readonly onWait: (reason: string, waitedMs: number) => void
}

const PAUSE_MS = 500

/**
 * Makes attempts until one succeeds, or the database has been unavailable for too long.
 * @param isOutage tells an unavailable database from other errors
 * @throws the error of the last attempt, or the reason of the signal
 */
export const untilAvailable = async <T>(
  { limitMs, signal, onWait }: OutageWait,
  isOutage: (error: unknown) => error is OperatorError,
  attempt: () => Promise<T>,
): Promise<T> => {
  const startedAt = performance.now()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      const waitedMs = performance.now() - startedAt
      if (!isOutage(error) || waitedMs + PAUSE_MS > limitMs) throw error
      onWait(reasonOf(error), waitedMs)
      await delay(PAUSE_MS, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

/** Why the database is unavailable, in a few words. */
export const reasonOf = (error: OperatorError): string => failureReason(firstCause(error.cause ?? error))

/** `waiting for the database: nothing listens there (12.0 s of 1 min)` */
export const describeOutage = (reason: string, waitedMs: number, limitMs: number): ProgressUpdate => ({
  event: {
    type: 'waiting_for_database',
    ...{ reason, elapsedMs: Math.round(waitedMs), maxWaitMs: limitMs },
  },
  text: `waiting for the database: ${reason} (${duration(waitedMs)} of ${duration(limitMs)})`,
  kind: 'status',
  key: `database ${reason}`,
})
