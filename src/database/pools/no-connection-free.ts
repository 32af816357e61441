import { OperatorError } from '../../errors.js'
import type { Next } from '../../next-step.js'

/** The part of a pool that says how busy it is. A caller's may be of another version of the driver, or only like it. */
interface BusyPool {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  readonly options?: { readonly max?: unknown } | undefined
}

export const NO_CONNECTION_FREE = 'no_connection_free'

/** @param withinMs how long was waited for one */
export const noConnectionFree = (pool: BusyPool, withinMs: number, hint?: Next, cause?: unknown): OperatorError => {
  const max = typeof pool.options?.max === 'number' ? `max ${pool.options.max}` : `${pool.totalCount} in use`
  const time = withinMs < 1_000 ? `${Math.round(withinMs)} ms` : `${Math.round(withinMs / 1_000)} s`
  return new OperatorError(NO_CONNECTION_FREE, `no free connection in the pool (${max}) within ${time}`, {
    retryable: true,
    hint,
    cause,
  })
}

/** Whether calls wait for a connection of the pool. */
export const isExhausted = ({ idleCount, waitingCount }: BusyPool): boolean => idleCount === 0 && waitingCount > 0

/** Whether the pool itself gave up to wait for one, after its connectionTimeoutMillis; the error has no code. A slow server has another text. */
export const isPoolTimeout = (error: unknown): boolean =>
  error instanceof Error && error.message === 'timeout exceeded when trying to connect'
