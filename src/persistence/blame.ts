import { refusesTransactions } from '../database/errors/pooler-error.js'
import { isConnectionFailure } from '../database/connection-failure.js'
import { isServerError, SqlState, type ServerError } from '../database/sql-state.js'
import { FILLED_COLUMNS } from './shape.js'

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

/**
 * Connection exception, invalid authorization (a password is being changed), insufficient resources, operator intervention,
 * snapshot too old.
 */
const RETRYABLE_CLASSES: readonly string[] = ['08', '28', '53', '57P0', '72']

/** Whether the same statement may succeed later: the server says so, or the connection to it failed. */
export const isTransient = (error: unknown): boolean =>
  isServerError(error)
    ? (RETRYABLE_STATES.has(error.code) || RETRYABLE_CLASSES.some((prefix) => error.code.startsWith(prefix))) &&
      !refusesTransactions(error)
    : isConnectionFailure(error)

/**
 * Errors that affect every row alike: the statement, the session, the server, foreign servers (feature not supported, roles,
 * cursors, transaction state, names, syntax and access, resources, recursion without end, system, configuration), and an
 * exhausted sequence of ids. A trigger that fails with one of them fails for every row, so a context changes nothing.
 */
const AFFECTS_EVERY_ROW = /^(08|0A|0L|0P|2200H|24|25|26|28|2D|34|3B|3D|3F|42|53|54001|55|57|58|F0|HV|XX)/

/** Whether the server rejected one row, so that others of the same statement may succeed. A trigger of the application may raise any code. */
export const blamesTheRow = (error: unknown): boolean =>
  isServerError(error) &&
  !isTransient(error) &&
  !AFFECTS_EVERY_ROW.test(error.code) &&
  !hasNoPartition(error) &&
  !isUnfilledColumn(error) &&
  !isIdTaken(error) &&
  !isOutOfTransactionIds(error) &&
  !isOfOwnObject(error)

/**
 * Whether an error affects every row by its class, and one row nevertheless if others are stored after it: it came from a
 * trigger, which may depend on the row, from a policy of row-level security, a missing partition, or a damaged page of an index.
 */
export const mayConcernOneRow = (error: ServerError): boolean =>
  error.where !== undefined || hasNoPartition(error) || /^(42501|XX)/.test(error.code)

/** No partition takes the row's time. A check constraint has a name. */
export const hasNoPartition = ({ code, constraint, where }: ServerError): boolean =>
  code === SqlState.checkViolation && constraint === undefined && where === undefined

/** A column of the application's that must have a value and has no default, which no message of ours brings. */
const isUnfilledColumn = ({ code, column, where }: ServerError): boolean =>
  code === SqlState.notNullViolation &&
  where === undefined &&
  column !== undefined &&
  FILLED_COLUMNS.ChatMessage?.includes(column) === false

/**
 * The id that the server gave is another row's: the sequence is behind, as after a restore or a logical upgrade. No message
 * has an id. PostgreSQL and the ORMs give a primary key's constraint this name.
 */
export const isIdTaken = ({ code, constraint }: ServerError): boolean =>
  code === SqlState.uniqueViolation && constraint?.endsWith('_pkey') === true

/** The server has stopped giving out transaction ids until it is vacuumed; the code (54000) is that of a row that is too large. */
const isOutOfTransactionIds = ({ routine }: ServerError): boolean =>
  routine === 'GetNewTransactionId' || routine === 'GetNewMultiXactId'

/** A constraint of one of chatkeep's own tables, or one of its own functions, failed: no message is the reason. */
const isOfOwnObject = ({ schema, where }: ServerError): boolean =>
  (schema !== undefined && OWN_SCHEMA.test(schema)) || (where !== undefined && OWN_FUNCTION.test(where))

const OWN_SCHEMA = /^chatkeep(_|$)/
// The server qualifies the names of functions in a context, since the search path of the store's sessions is empty.
const OWN_FUNCTION = /(^|[\s"])chatkeep(_[^".]*)?"?\.[a-z_]+\(/
