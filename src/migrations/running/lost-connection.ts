import { connectionFailureReason } from '../../database/connection-failure.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { type Next } from '../../next-step.js'

/** Whether the session is gone: the connection broke, or the server terminated it. */
export const isSessionLost = (error: unknown): boolean =>
  hasSqlState(error, SqlState.adminShutdown, SqlState.crashShutdown) || connectionFailureReason(error) !== undefined

/**
 * Explains a connection lost during a change: the state of the database, and the next command.
 * @param state what is done and what is not, in one sentence
 * @param hint what to do when the server is reachable again
 * @returns the error itself if the session is not lost
 */
export const explainLostSession = (error: unknown, state: string, hint: Next): unknown => {
  if (!isSessionLost(error)) return error
  const reason = connectionFailureReason(error) ?? (error instanceof Error ? error.message : '')
  return new OperatorError('connection_lost', `lost the connection to the database: ${reason}`, {
    exitCode: ExitCode.unreachable,
    retryable: true,
    details: [`state: ${state}`],
    hint,
    cause: error,
  })
}
