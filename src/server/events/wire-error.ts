import { OperatorError } from '../../errors.js'
import {
  IdempotencyConflict,
  InvalidMessage,
  StoreClosed,
  StoreError,
  StoreUnavailable,
} from '../../persistence/errors.js'
import { isHeldByOthers } from '../../persistence/locks/held-by-others.js'
import type { MessageOutcome } from '../metrics/observer.js'
import type { WireError } from '../../protocol/acknowledgement.js'
import { ERROR_CODES, isErrorCode, type ErrorCode } from '../../protocol/error-codes.js'

/** The error as a client reads it. A code that is not in the table becomes `internal`, as does any error but an `OperatorError`. */
export const toWireError = (error: unknown): WireError => {
  const code = wireCodeOf(error)
  const { text, repeat } = ERROR_CODES[code]
  const isForClients =
    error instanceof OperatorError && error.code === code && !isServerFault(error) && !hasRowId(error)
  return { code, message: isForClients ? error.message : text, retryable: repeat === 'later' }
}

/** A guest may not learn how many messages all chats have, and its own text speaks of the body where an addressee may differ. */
const hasRowId = (error: OperatorError): boolean => error instanceof IdempotencyConflict

const wireCodeOf = (error: unknown): ErrorCode => {
  // The server closes its store last; of standbys a client knows nothing: for it the database is simply unavailable.
  if (isHeldByOthers(error)) return 'lock_not_available'
  if (error instanceof StoreClosed || error instanceof StoreUnavailable) return 'database_unavailable'
  return error instanceof OperatorError && isErrorCode(error.code) ? error.code : 'internal'
}

/**
 * Whether the error is for the operator of the server, not for the client. Its own text is then for the log only: texts of the
 * database may contain addresses and other people's data.
 */
export const isServerFault = (error: unknown): boolean => {
  if (!(error instanceof OperatorError) || !isErrorCode(error.code)) return true
  return error instanceof StoreError && !SENT_BY_CLIENT.some((kind) => error instanceof kind)
}

/** What a refused message counts as. */
export const outcomeOf = (error: unknown): MessageOutcome =>
  isServerFault(error) || ERROR_CODES[wireCodeOf(error)].concerns === 'server' ? 'failed' : 'rejected'

// Not derived from the table's `concerns: 'request'`: that includes `message_not_stored`, where a trigger of the database is at fault.
const SENT_BY_CLIENT = [InvalidMessage, IdempotencyConflict]
