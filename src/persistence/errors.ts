import { hasSqlState, isServerError, SqlState, type ServerError } from '../database/sql-state.js'
import { ExitCode, OperatorError, type OperatorErrorOptions } from '../errors.js'
import { blamesTheRow, isPassing, type Blame } from './blame.js'

/** An error of the store. `blames` says whose fault it is: what to do next depends on it. */
export abstract class StoreError extends OperatorError {
  readonly blames: Blame
  constructor(
    code: string,
    message: string,
    { blames, ...options }: OperatorErrorOptions & { readonly blames: Blame },
  ) {
    super(code, message, options)
    this.blames = blames
  }
}

/**
 * Whose fault an error is; undefined for an error that comes neither from the store nor from the database (a bug).
 * Takes the store's errors and those of `pg`.
 */
export const whoseFault = (error: unknown): Blame | undefined => {
  const explained = explainRefusal(error)
  if (explained instanceof StoreError) return explained.blames
  return isPassing(explained) ? 'database' : undefined
}

/** The message cannot be stored as it is; every reason is in `details`. Nothing was written. */
export class InvalidMessage extends StoreError {
  override readonly name = 'InvalidMessage'
  constructor(reasons: readonly string[]) {
    super('invalid_message', `the message cannot be stored: ${reasons.join('; ')}`, {
      blames: 'message',
      exitCode: ExitCode.no,
    })
    this.reasons = reasons
  }
  readonly reasons: readonly string[]
}

/** The idempotency key belongs to another message, which stays as it is. */
export class IdempotencyConflict extends StoreError {
  override readonly name = 'IdempotencyConflict'
  constructor(
    readonly idempotencyKey: string,
    /** Id of the message that holds the key. */
    readonly existingId: number,
  ) {
    super(
      'idempotency_conflict',
      `the idempotency key ${JSON.stringify(idempotencyKey)} belongs to message ${existingId}, which has another body`,
      { hint: 'give every message a key of its own', blames: 'message', exitCode: ExitCode.no },
    )
  }
}

/** The database could not be reached, or stayed busy, until the deadline. The same call, with the same key, may be made again. */
export class StoreUnavailable extends StoreError {
  override readonly name = 'StoreUnavailable'
  constructor(
    reason: string,
    cause: unknown,
    /** Of a save: the key to make the same call with, also where the store had made it. The message may be stored already. */
    readonly idempotencyKey?: string,
  ) {
    super('database_unavailable', `the database cannot be used right now: ${reason}`, {
      cause,
      retryable: true,
      blames: 'database',
      exitCode: ExitCode.unreachable,
    })
  }
}

/** More messages wait for the database than the store may hold. Nothing was written; the same call may be made again later. */
export class StoreOverloaded extends StoreError {
  override readonly name = 'StoreOverloaded'
  constructor(messages: number) {
    super('store_overloaded', `${messages} messages wait for the database already; this one was not taken`, {
      retryable: true,
      blames: 'database',
      exitCode: ExitCode.busy,
    })
  }
}

/** The database lacks what the store needs: it was not migrated, or was rolled back. */
export class SchemaNotReady extends StoreError {
  override readonly name = 'SchemaNotReady'
  constructor(reason: string, cause: unknown) {
    super('schema_not_ready', `the database is not ready for guest messages: ${reason}`, {
      cause,
      hint: 'chatkeep migrate',
      blames: 'schema',
      exitCode: ExitCode.no,
    })
  }
}

/** The constraint by which a rollback has every new message find its client before the column that allowed none goes. */
export const CLIENT_GUARD = 'chatkeep_clientId_not_null'

/**
 * Turns the server's "there is no such table, column or unique index", and a rollback's "no message without client any more",
 * into `SchemaNotReady`; every other error passes unchanged.
 */
export const explainMissingSchema = (error: unknown): unknown =>
  hasSqlState(
    error,
    SqlState.undefinedTable,
    SqlState.undefinedColumn,
    SqlState.undefinedObject,
    SqlState.invalidColumnReference,
    SqlState.invalidSchemaName,
  ) || wantsClient(error)
    ? new SchemaNotReady(error.message, error)
    : error

const wantsClient = (error: unknown): error is ServerError =>
  (hasSqlState(error, SqlState.checkViolation) && error.constraint === CLIENT_GUARD) ||
  (hasSqlState(error, SqlState.notNullViolation) && error.table === 'ChatMessage' && error.column === 'clientId')

/** Gives every answer of the server that ends a call a type of ours; what is no answer of the server passes unchanged. */
export const explainRefusal = (error: unknown): unknown => {
  const explained = explainMissingSchema(error)
  return isServerError(explained) ? new DatabaseRefused(explained) : explained
}

/** The database took the message and did not keep it: a trigger or a rule on "ChatMessage" swallows inserts. */
export class MessageNotStored extends StoreError {
  override readonly name = 'MessageNotStored'
  constructor() {
    super('message_not_stored', 'the database took the message without an error, but did not keep it', {
      blames: 'message',
      exitCode: ExitCode.no,
      hint: 'look for a trigger or rule on "ChatMessage" that swallows inserts',
    })
  }
}

/**
 * The database refused for good; `sqlState` says why. `blames` is `message` when the server rejected this one row (a
 * constraint, a trigger), and `database` when every message would fail alike (a missing privilege, a full sequence).
 */
export class DatabaseRefused extends StoreError {
  override readonly name = 'DatabaseRefused'
  constructor(cause: ServerError) {
    super('database_refused', `the database answered: ${cause.message}`, {
      blames: blamesTheRow(cause) ? 'message' : 'database',
      cause,
      sqlState: cause.code,
      exitCode: ExitCode.no,
      details: cause.detail === undefined ? [] : [`detail: ${cause.detail}`],
      hint:
        cause.code === SqlState.insufficientPrivilege ? 'give this role the privilege, or use another one' : cause.hint,
    })
  }
}

/** The store was closed; nothing was written. */
export class StoreClosed extends StoreError {
  override readonly name = 'StoreClosed'
  constructor() {
    super('store_closed', 'the chat store is closed', { blames: 'caller', exitCode: ExitCode.unreachable })
  }
}
