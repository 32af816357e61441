import { encodingHint } from '../database/errors/encoding-hint.js'
import { explainFailedConnection } from '../database/connection-error.js'
import {
  ConnectionProblem,
  firstCause,
  isConnectionLost,
  NO_ANSWER,
  wasGivenUp,
} from '../database/connection-failure.js'
import { LEAVE_AT_UTF8 } from '../database/session/client-encoding.js'
import { poolerAnswer } from '../database/errors/pooler-error.js'
import { SEE_TRIGGERS, SERVER_STATES, serverStateOf } from '../database/errors/server-states.js'
import { hasSqlState, isServerError, SqlState, type ServerError } from '../database/sql-state.js'
import { OperatorError } from '../errors.js'
import { again, chatkeep, sql, toSteps, type Next } from '../next-step.js'
import { blamesTheRow, hasNoPartition, isIdTaken } from './blame.js'

/** What to do with a message that was not saved, or whose answer was lost. */
export const SEND_AGAIN = 'send the message again with the same idempotency key'

/** What to do when no partition takes the time of a message. */
export const MISSING_PARTITION = 'create the partition for this time, or a DEFAULT partition'

const SEE_ENCODINGS = sql(
  `SELECT current_setting('server_encoding'), current_setting('client_encoding')`,
  'see which of them lacks the character of the other, in a session of the application',
)

/** What to do after the database refused for good. */
export const nextAfterRefusal = (cause: ServerError): Next | undefined => {
  const ofPooler = poolerAnswer(cause)
  if (ofPooler !== undefined) return ofPooler.hint
  if (cause.code === SqlState.untranslatableCharacter) return [SEE_ENCODINGS, LEAVE_AT_UTF8]
  if (isIdTaken(cause))
    return ['the sequence of the ids is behind, and this prints the statement that repairs it', chatkeep('verify')]
  if (hasNoPartition(cause)) return `${MISSING_PARTITION}; then send the message again`
  if (cause.where !== undefined && !blamesTheRow(cause))
    return ['correct the trigger or function that fails', SEE_TRIGGERS]
  return cause.code === SqlState.insufficientPrivilege
    ? 'grant this role the privilege, change the policy that rejects the row, or connect as another role'
    : (encodingHint(cause) ?? cause.hint ?? SERVER_STATES[cause.code]?.next)
}

/** What to do after waiting for the database in vain. */
export const nextAfterWait = (reason: string, cause: unknown): Next | undefined => {
  if (cause instanceof OperatorError) return cause.next
  if (hasSqlState(cause, SqlState.lockNotAvailable))
    return [chatkeep('status', 'see who holds the lock, and the statement that ends it'), again()]
  if (reason === NO_ANSWER) return [chatkeep('status', 'see whether it can be reached, and who holds a lock'), again()]
  // Also of a connection that was refused.
  const answer = cause instanceof ConnectionProblem ? cause.cause : cause
  if (hasSqlState(answer, SqlState.queryCanceled)) return nextAfterCancel(answer)
  return explainFailedConnection(cause)?.next ?? (isServerError(answer) ? serverStateOf(answer)?.next : undefined)
}

/** The SQLSTATE of what the server answered; that of our own cancel says nothing. */
export const answeredState = (cause: unknown): string | undefined => {
  if (cause instanceof OperatorError) return cause.sqlState
  const answer = firstCause(cause instanceof ConnectionProblem ? cause.cause : cause)
  return isServerError(answer) && !wasGivenUp(answer) ? answer.code : undefined
}

// Who cancelled it, the server says only in its message, which depends on lc_messages.
const nextAfterCancel = (cause: ServerError): Next | undefined =>
  wasGivenUp(cause)
    ? undefined
    : [
        chatkeep(
          'doctor',
          'unless somebody cancelled it, see where statement_timeout is set, as the role of the store',
        ),
        'raise it there (ALTER ROLE, ALTER DATABASE), or in the options of the pool',
      ]

/** For the caller of a transaction that can no longer succeed. */
export const REPEAT_TRANSACTION = 'roll the transaction back and repeat it, the message with the same idempotency key'

/** What to do when the database failed in a transaction of the caller. */
export const nextInTransaction = (cause: unknown): Next => {
  if (isConnectionLost(cause) || endedSession(cause))
    return 'the transaction is gone, and nothing of it is stored: repeat all of it, the message with the same idempotency key'
  return hasSqlState(cause, SqlState.queryCanceled)
    ? [...toSteps(nextAfterCancel(cause)), REPEAT_TRANSACTION]
    : REPEAT_TRANSACTION
}

/** The server ended the session: an administrator, a shutdown, a time-out of the session, or a pooler. */
const endedSession = (cause: unknown): boolean => isServerError(cause) && /^(08|57P|25P0[34])/.test(cause.code)
