import { OperatorError } from '../../errors.js'
import { IdempotencyConflict, InvalidCall, InvalidMessage, StoreClosed, StoreError } from '../../persistence/errors.js'
import type { WireError } from '../../protocol/acknowledgement.js'
import { ERROR_CODES, isErrorCode, type ErrorCode } from '../../protocol/error-codes.js'

/** What a client reads of an error. A code that is not in the table, and what is no `OperatorError`, becomes `internal`. */
export const toWireError = (error: unknown): WireError => {
  const code = wireCodeOf(error)
  const { text, repeat } = ERROR_CODES[code]
  const isForClients = error instanceof OperatorError && error.code === code && !isServerFault(error)
  return { code, message: isForClients ? error.message : text, retryable: repeat === 'later' }
}

const wireCodeOf = (error: unknown): ErrorCode => {
  // The server closes its store last: for a client the database is simply unavailable.
  if (error instanceof StoreClosed) return 'database_unavailable'
  return error instanceof OperatorError && isErrorCode(error.code) ? error.code : 'internal'
}

/**
 * Whether the operator of the server has to look at it, rather than the client. Its own text is for the log only: what the
 * database says may contain addresses and other people's data. Of the store's errors only three are about what the client sent.
 */
export const isServerFault = (error: unknown): boolean => {
  if (!(error instanceof OperatorError) || !isErrorCode(error.code)) return true
  return error instanceof StoreError && !SENT_BY_CLIENT.some((kind) => error instanceof kind)
}

const SENT_BY_CLIENT = [InvalidMessage, IdempotencyConflict, InvalidCall]
