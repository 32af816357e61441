import { connectionFailureReason } from '../../database/connection-failure.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { ExitCode, OperatorError } from '../../errors.js'

/** Whether the session is gone: the connection broke, or the server ended it. */
export const isSessionLost = (error: unknown): boolean =>
  hasSqlState(error, SqlState.adminShutdown, SqlState.crashShutdown) || connectionFailureReason(error) !== undefined

/**
 * What to tell somebody whose connection broke in the middle of a change: where that leaves the database, and what to type.
 * @param state what is done and what is not, in a sentence
 * @param hint what to do once the server can be reached
 * @returns the error itself when it is of another kind
 */
export const explainLostSession = (error: unknown, state: string, hint: string): unknown => {
  if (!isSessionLost(error)) return error
  const reason = connectionFailureReason(error) ?? (error instanceof Error ? error.message : '')
  return new OperatorError('connection_lost', `the connection to the database broke in the middle: ${reason}`, {
    exitCode: ExitCode.unreachable,
    retryable: true,
    details: [`state: ${state}`],
    hint,
    cause: error,
  })
}
