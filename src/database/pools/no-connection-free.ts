import { OperatorError } from '../../errors.js'
import { chatkeep, or, type Next } from '../../next-step.js'
import { ConnectionProblem, NO_ANSWER } from '../connection-failure.js'
import type { OwnWork } from './own-work.js'

/** The part of a pool that says how busy it is. A caller's may be of another version of the driver, or only like it. */
interface BusyPool {
  readonly totalCount: number
  readonly idleCount: number
  readonly options?: { readonly max?: unknown } | undefined
  /** The connections that `totalCount` counts, and pg's types hide. */
  readonly _clients?: readonly { readonly release?: unknown }[]
}

export const NO_CONNECTION_FREE = 'no_connection_free'

/** How much longer a wait may seem to be than it was: by the clock, in whole milliseconds. What was done just before it is not of it. */
const CLOCK_MS = 1

/**
 * Why a call got no connection of a pool: none is free, or the server does not answer: the one that is being made, or the calls of
 * chatkeep that have all of them.
 * @param withinMs how long was waited for one
 */
export const noConnection = (
  pool: BusyPool,
  { lent, doneAt }: OwnWork,
  withinMs: number,
  hint?: Next,
  cause?: unknown,
): Error => {
  const awaited = awaitedOf(pool)
  const isOurs = awaited === 'release' && lent >= pool.totalCount
  const hasAnswered = doneAt >= performance.now() - withinMs + CLOCK_MS
  if (awaited === 'server' || (isOurs && !hasAnswered)) return new ConnectionProblem(NO_ANSWER, 'network', cause)
  const max = typeof pool.options?.max === 'number' ? `max ${pool.options.max}` : `${pool.totalCount} in use`
  const [what, next] = ((): readonly [string, Next | undefined] => {
    if (isOurs) return [`no free connection in the pool (${max}; calls of chatkeep have them all)`, WHEN_OURS]
    if (awaited === 'release') return [`no free connection in the pool (${max})`, hint]
    return ['the pool gave no connection', chatkeep('status', 'see whether the database can be reached')]
  })()
  return new OperatorError(NO_CONNECTION_FREE, `${what} within ${describeMs(withinMs)}`, {
    retryable: true,
    hint: next,
    cause,
  })
}

const WHEN_OURS: Next = [
  chatkeep('status', 'see whether they wait for a lock'),
  or('begin fewer calls at once, or make the pool larger'),
]

const describeMs = (ms: number): string =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(ms < 10_000 ? 1 : 0))} s`

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
