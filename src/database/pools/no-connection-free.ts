import { OperatorError } from '../../errors.js'
import { chatkeep, type Next } from '../../next-step.js'
import { ConnectionProblem, NO_ANSWER } from '../connection-failure.js'

/** The part of a pool that says how busy it is. A caller's may be of another version of the driver, or only like it. */
interface BusyPool {
  readonly totalCount: number
  readonly idleCount: number
  readonly options?: { readonly max?: unknown } | undefined
  /** The connections that `totalCount` counts, and pg's types hide. */
  readonly _clients?: readonly { readonly release?: unknown }[]
}

export const NO_CONNECTION_FREE = 'no_connection_free'

/**
 * Why a call got no connection of a pool: none is free, or the server does not answer the one that is being made.
 * @param withinMs how long was waited for one
 */
export const noConnection = (pool: BusyPool, withinMs: number, hint?: Next, cause?: unknown): Error => {
  const awaited = awaitedOf(pool)
  if (awaited === 'server') return new ConnectionProblem(NO_ANSWER, 'network', cause)
  const max = typeof pool.options?.max === 'number' ? `max ${pool.options.max}` : `${pool.totalCount} in use`
  const time = withinMs < 1_000 ? `${Math.round(withinMs)} ms` : `${Math.round(withinMs / 1_000)} s`
  const [what, next]: readonly [string, Next | undefined] =
    awaited === 'release'
      ? [`no free connection in the pool (${max})`, hint]
      : ['the pool gave no connection', chatkeep('status', 'see whether the database can be reached')]
  return new OperatorError(NO_CONNECTION_FREE, `${what} within ${time}`, { retryable: true, hint: next, cause })
}

/**
 * What a call waits for that gets no connection: that one is released, or the server. A pool counts a connection that is being
 * made, too; `release` is what it adds when it lends one for the first time. Undefined where the pool shows no connections.
 */
const awaitedOf = ({ totalCount, idleCount, options, _clients }: BusyPool): 'release' | 'server' | undefined => {
  const isMaking = _clients?.some((client) => !('release' in client))
  if (isMaking === true || totalCount < Number(options?.max)) return 'server'
  return isMaking === false && idleCount === 0 ? 'release' : undefined
}

/** Whether the pool itself gave up to wait for one, after its connectionTimeoutMillis; the error has no code. A slow server has another text. */
export const isPoolTimeout = (error: unknown): boolean =>
  error instanceof Error && error.message === 'timeout exceeded when trying to connect'
