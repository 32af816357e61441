import { connectionFailureReason } from '../../database/connection-failure.js'
import type { Queryable } from '../../database/connection.js'
import { exitCodeForState, SERVER_STATES } from '../../database/errors/server-states.js'
import { isServerError, SqlState, type ServerError } from '../../database/sql-state.js'
import { CANCELLED, reachedLimit } from '../../database/errors/statement-limit.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { toSteps, type Next } from '../../next-step.js'
import { RAISE_LIMIT } from './cancelled.js'
import { durationBehind } from '../../database/waiting/watch-session.js'

/** After these the server has closed the connection. */
const ENDED = ['08P01', '25P03', '25P04', '57P01', '57P02', '57P04', '57P05']

/** Whether the session is gone: the connection broke, or the server terminated it. */
export const isSessionLost = (error: unknown): boolean =>
  (isServerError(error) && ENDED.includes(error.code)) || connectionFailureReason(error) !== undefined

/**
 * Explains a connection lost or a statement refused during a change: the state of the database, and the next command.
 * @param state what is done and what is not, in one sentence
 * @param hint what to do when the server is reachable again
 * @returns the error itself if it says that already
 */
export const explainFailedChange = async (
  client: Queryable,
  error: unknown,
  state: string,
  hint: Next,
): Promise<unknown> => {
  if (!isSessionLost(error)) return isServerError(error) ? await refusedStatement(client, error, state, hint) : error
  const reason = connectionFailureReason(error) ?? (error instanceof Error ? error.message : '')
  return new OperatorError('connection_lost', `lost the connection to the database: ${reason}`, {
    exitCode: ExitCode.unreachable,
    retryable: true,
    details: [`state: ${state}`],
    hint,
    cause: error,
  })
}

const refusedStatement = async (
  client: Queryable,
  error: ServerError,
  state: string,
  hint: Next,
): Promise<OperatorError> => {
  const { code, message, first } = await wordsFor(client, error)
  return new OperatorError(code, message, {
    exitCode: exitCodeForState(error.code),
    sqlState: error.code,
    retryable: SERVER_STATES[error.code]?.retryable ?? false,
    details: [...(error.detail === undefined ? [] : [`detail: ${error.detail}`]), `state: ${state}`],
    hint: [...first, ...toSteps(hint)],
    cause: error,
  })
}

const wordsFor = async (client: Queryable, error: ServerError) => {
  if (error.code !== SqlState.queryCanceled)
    return {
      code: 'sql_error',
      message: `${SERVER_STATES[error.code]?.sentence ?? 'the database answered'}: ${error.message}`,
      first: [],
    }
  const isTimeout = await reachedLimit(client, durationBehind(error))
  const { code, message } = isTimeout ? CANCELLED.byLimit : CANCELLED.bySomebody
  return {
    code,
    message: `${message} (${error.message})`,
    first: [isTimeout ? RAISE_LIMIT : 'ask who cancelled it, and why'],
  }
}
