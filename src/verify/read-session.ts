import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { queryTimeoutFor } from '../database/errors/statement-limit.js'
import type { OnWaitEvent } from '../database/waiting/wait-events.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'

export interface ReadSessionOptions {
  /** Limit of each query. */
  readonly statementTimeoutMs: number
  readonly signal: AbortSignal
  /** Reports who holds what is locked. */
  readonly onWait: OnWaitEvent
  /** Name of the session; by default that of the command. */
  readonly applicationName?: string | undefined
}

/** A watched session that reads. */
export const withReadSession = <T>(
  target: ConnectionTarget,
  { statementTimeoutMs, signal, onWait, applicationName = 'chatkeep verify' }: ReadSessionOptions,
  work: (client: Queryable) => Promise<T>,
): Promise<T> =>
  withWatchedClient(
    target,
    {
      applicationName,
      signal,
      statementTimeoutMs,
      queryTimeoutMs: queryTimeoutFor(statementTimeoutMs),
    },
    { showQueries: false, onEvent: onWait },
    work,
  )
