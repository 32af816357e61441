import { isServerError, type ServerError } from '../../database/sql-state.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { again, chatkeep, type NextStep } from '../../next-step.js'
import { SEND_AGAIN } from '../after-refusal.js'
import { MESSAGE_KEYS } from '../own-names.js'

/** Why a message waits for another transaction; `error` is the server's, if it was one. */
export interface Hold {
  readonly error?: unknown
}

const CODE = 'lock_not_available'

/** Why a message is not saved that another transaction held up to the end. @param key the caller's idempotency key */
export const heldByOthers = ({ error }: Hold, key: string): OperatorError =>
  heldError(error, whatIn(error, JSON.stringify(key)), SEND_AGAIN)

/** Why a call failed that another transaction held up to the end. @param error the server's, of the lock time-out */
export const callHeldByOthers = (error: ServerError): OperatorError =>
  heldError(error, `a row ${error.where === undefined ? 'or table ' : ''}that the call needs`, again())

const heldError = (error: unknown, what: string, then: string | NextStep): OperatorError =>
  new OperatorError('lock_not_available', `another transaction holds ${what}`, {
    cause: error,
    sqlState: isServerError(error) ? error.code : undefined,
    retryable: true,
    exitCode: ExitCode.busy,
    hint: [chatkeep('status', 'see who holds it, and the statement that ends it'), then],
  })

/** Whether another transaction is the reason, rather than the database. */
export const isHeldByOthers = (error: unknown): boolean => error instanceof OperatorError && error.code === CODE

// The context names the index or the row. Some adapters of ORMs leave it out.
const whatIn = (error: unknown, key: string): string => {
  const where = isServerError(error) ? error.where : undefined
  if (where !== undefined && OF_KEY.test(where)) return `the idempotency key ${key}`
  const row = 'a row that the message needs'
  return isServerError(error) && where === undefined
    ? `the idempotency key ${key}, or a row or table that the message needs`
    : row
}

// The unique index of the keys is the only one of its table in which an insert waits. In a trigger the context has more lines.
const OF_KEY = new RegExp(`^[^\\n]*"(ChatMessage|${MESSAGE_KEYS})"[^\\n]*$`)
