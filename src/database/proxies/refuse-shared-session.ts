import type { Client } from 'pg'
import { ExitCode, OperatorError } from '../../errors.js'
import { or, toSteps, type Next } from '../../next-step.js'
import { isConnectionFailure } from '../connection-failure.js'
import type { ConnectionTarget } from '../connection-target.js'
import { findSharedSession, type SharedSession } from './shared-session.js'

const CODE = 'connection_pooler'

/** Work that needs a server session to itself. */
export interface SessionNeed {
  /** The subject of the error, such as `migrate`. */
  readonly what: string
  /** What the session keeps, such as `its lock and settings`. */
  readonly keeps: string
  /** Other ways to do the work. */
  readonly otherwise?: Next
  readonly signal?: AbortSignal | undefined
}

/** @throws OperatorError `connection_pooler` (exit 5) unless the client has a server session to itself */
export const refuseSharedSession = async (
  client: Client,
  target: ConnectionTarget,
  need: SessionNeed,
): Promise<void> => {
  const found = await findSharedSession(client, target, need.signal)
  if (found !== undefined) throw sharedSessionError(found, need)
}

/** Why work that needs a session to itself cannot run through this pooler. */
export const sharedSessionError = (
  found: SharedSession,
  { what, keeps, otherwise }: Pick<SessionNeed, 'what' | 'keeps' | 'otherwise'>,
): OperatorError => {
  const cause = found.kind === 'unproven' ? found.reason : undefined
  return new OperatorError(CODE, `${what} cannot run through ${describe(found, keeps)}`, {
    exitCode: ExitCode.refused,
    hint: [
      'connect to the server directly: DIRECT_URL=postgres://… or --database-url',
      ...(found.kind === 'pgpool' ? [] : [or("use the pooler's address for session mode, if it has one")]),
      ...toSteps(otherwise),
    ],
    retryable: cause instanceof OperatorError ? cause.retryable : isConnectionFailure(cause),
    cause,
  })
}

/**
 * Whether this is `sharedSessionError`: `found` for a pooler that shares sessions, `in doubt` where that may be found out later.
 */
export const sharedSessionIn = (error: unknown): 'found' | 'in doubt' | undefined => {
  if (!(error instanceof OperatorError) || error.code !== CODE) return undefined
  return error.retryable ? 'in doubt' : 'found'
}

const describe = (found: SharedSession, keeps: string): string => {
  switch (found.kind) {
    case 'shared':
      return `a connection pooler that shares sessions (transaction mode): other clients could get ${keeps}`
    case 'pgpool':
      return 'pgpool-II, which sends a part of the statements to standbys: they may lag behind'
    case 'unproven':
      return `this connection pooler: chatkeep could not find out whether it shares sessions, for which it needs a second connection (${reasonOf(found.reason)})`
  }
}

const reasonOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason))
