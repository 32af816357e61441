import { isConnectionFailure } from '../database/connection-failure.js'
import { isServerError, SqlState } from '../database/sql-state.js'

/**
 * Whose fault an error is:
 * - `message`: this message can never be stored as it is; others are not affected
 * - `database`: it is unavailable or busy (then the error is retryable), or it refuses every message alike
 * - `schema`: the database lacks what the store needs; `chatkeep migrate` provides it
 * - `caller`: the call itself is wrong, whatever the message and the database
 */
export type Blame = 'message' | 'database' | 'schema' | 'caller'

const RETRYABLE_STATES: ReadonlySet<string> = new Set([
  SqlState.serializationFailure,
  SqlState.deadlockDetected,
  SqlState.lockNotAvailable,
  SqlState.queryCanceled,
  // The server ended the session, whose transaction is gone.
  SqlState.idleInTransactionSessionTimeout,
  SqlState.transactionTimeout,
  // A standby, or a primary that has just become one.
  SqlState.readOnlyTransaction,
])

/** Connection exception, invalid authorization (a password is being changed), insufficient resources, operator intervention. */
const RETRYABLE_CLASSES: readonly string[] = ['08', '28', '53', '57P0']

/** Whether the same statement may succeed later: the server says so, or the connection to it failed. */
export const isTransient = (error: unknown): boolean =>
  isServerError(error)
    ? RETRYABLE_STATES.has(error.code) || RETRYABLE_CLASSES.some((prefix) => error.code.startsWith(prefix))
    : isConnectionFailure(error)

/**
 * Errors that affect every row alike: the statement, the session, the server (feature not supported, invalid transaction
 * state, names, syntax and access, resources, system, configuration), and an exhausted sequence of ids. Every other error
 * blames a row: a trigger of the application may raise any code.
 */
const NO_ROW_TO_BLAME = /^(0A|2200H|25|26|28|2D|3B|3D|3F|42|53|55|57|58|F0|XX)/

/** Whether the server rejected one row, so that others of the same statement may succeed. An error with a context is always about a row or its trigger. */
export const blamesTheRow = (error: unknown): boolean =>
  isServerError(error) && !isTransient(error) && (error.where !== undefined || !NO_ROW_TO_BLAME.test(error.code))
