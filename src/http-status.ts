import { OperatorError } from './errors.js'

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  invalid_message: 400,
  character_not_storable: 400,
  client_not_found: 404,
  message_not_found: 404,
  idempotency_conflict: 409,
  username_taken: 409,
  client_merged: 409,
  merge_refused: 409,
  client_is_referenced: 409,
  messages_are_referenced: 409,
  rows_kept: 409,
  transaction_conflict: 409,
  schema_not_ready: 503,
  store_closed: 503,
}

/**
 * The HTTP status with which a server of the application can answer a request that failed with this error: 4xx where the
 * request is at fault, 503 where the same request may succeed later, 500 for all else, also for what is no error of chatkeep.
 * 499, which is not registered but in wide use, when the request was aborted.
 */
export const httpStatusOf = (error: unknown): number => {
  if (error instanceof OperatorError) return STATUS_OF_CODE[error.code] ?? byKind(error)
  const name = error instanceof Error ? error.name : undefined
  if (name === 'AbortError') return 499
  return name === 'TimeoutError' ? 504 : 500
}

const byKind = (error: OperatorError): number => {
  if (error.retryable) return 503
  if (error.name === 'InvalidCall') return 400
  return 'blames' in error && error.blames === 'message' ? 422 : 500
}
