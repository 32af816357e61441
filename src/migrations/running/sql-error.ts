import { exitCodeForState, SERVER_STATES } from '../../database/errors/server-states.js'
import { isServerError } from '../../database/sql-state.js'
import { OperatorError, withDetail } from '../../errors.js'
import { failureInFile } from './run-statements.js'
import { isSessionLost } from './lost-connection.js'
import type { Next } from '../../next-step.js'
import { locate, sourceLines } from '../source/source-place.js'

/**
 * Explains a statement that the server rejected, with its place in the file.
 * @param file as shown to the reader, such as `migrations/3_index-guest-username.sql`
 * @param state what is done and what is not, in one sentence
 * @returns an interruption with the state; the error itself if it is not the server's answer to a statement
 */
export const toSqlFileError = (error: unknown, file: string, sql: string, state: string, hint: Next): unknown => {
  if (error instanceof OperatorError && error.code === 'interrupted') return withDetail(error, state)
  if (!isServerError(error) || isSessionLost(error)) return error
  const failure = failureInFile(error)
  const place = failure === undefined ? undefined : locate(sql, failure.position)
  const source = place === undefined ? [] : sourceLines(place)
  const extras = [
    error.detail === undefined ? undefined : `detail: ${error.detail}`,
    error.hint === undefined ? undefined : `server hint: ${error.hint}`,
    error.where === undefined ? undefined : `where: ${error.where}`,
    state,
  ].filter((line) => line !== undefined)
  const where = place === undefined ? file : `${file}:${place.line}:${place.column}`
  return new OperatorError('migration_failed', `${where}: ${error.message}`, {
    exitCode: exitCodeForState(error.code),
    sqlState: error.code,
    retryable: SERVER_STATES[error.code]?.retryable ?? false,
    details: [...source, ...extras],
    hint,
    cause: error,
  })
}
