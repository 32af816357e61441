import { encodingHint } from '../database/errors/encoding-hint.js'
import { NO_ANSWER } from '../database/connection-failure.js'
import { NO_CONNECTION_FREE } from '../database/pools/no-connection-free.js'
import { LEAVE_AT_UTF8 } from '../database/session/client-encoding.js'
import { poolerAnswer } from '../database/errors/pooler-error.js'
import { SEE_TRIGGERS, SERVER_STATES } from '../database/errors/server-states.js'
import { hasSqlState, SqlState, type ServerError } from '../database/sql-state.js'
import { OperatorError } from '../errors.js'
import { chatkeep, sql, type Next } from '../next-step.js'
import { blamesTheRow, hasNoPartition, isIdTaken } from './blame.js'

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
  if (cause instanceof OperatorError && cause.code === NO_CONNECTION_FREE) return cause.next
  if (hasSqlState(cause, SqlState.lockNotAvailable))
    return [chatkeep('status', 'see who holds the lock, and the statement that ends it'), 'make the call again']
  return reason === NO_ANSWER
    ? [chatkeep('status', 'see whether it can be reached, and who holds a lock'), 'make the call again']
    : undefined
}
