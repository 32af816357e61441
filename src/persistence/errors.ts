import { encodingHint } from '../database/errors/encoding-hint.js'
import { explainFailedConnection } from '../database/connection-error.js'
import { READ_FROM_STANDBY } from '../database/proxies/standby-reads.js'
import { exitCodeForState } from '../database/errors/server-states.js'
import { hasSqlState, isServerError, SqlState, type ServerError } from '../database/sql-state.js'
import { ExitCode, OperatorError, type OperatorErrorOptions } from '../errors.js'
import { answeredState, nextAfterRefusal, nextAfterWait, REPEAT_TRANSACTION } from './after-refusal.js'
import { blamesTheRow, hasNoPartition, type Blame } from './blame.js'
import { chatkeep, or, type Next } from '../next-step.js'
import { isHeldByOthers } from './locks/held-by-others.js'

export { InvalidCall } from '../invalid-call.js'

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

/** The message cannot be stored as it is; `reasons` has every reason. Nothing was written. */
export class InvalidMessage extends StoreError {
  override readonly name = 'InvalidMessage'
  constructor(reasons: readonly string[], what = 'the message cannot be stored') {
    super('invalid_message', `${what}: ${reasons.join('; ')}`, {
      blames: 'message',
      exitCode: ExitCode.no,
    })
    this.reasons = reasons
  }
  readonly reasons: readonly string[]
}

/** The idempotency key belongs to a message with another content, guest, conversation or kind of sender, which stays unchanged. Nothing was written. */
export class IdempotencyConflict extends StoreError {
  override readonly name = 'IdempotencyConflict'
  constructor(
    readonly idempotencyKey: string,
    /** Id of the message that holds the key. */
    readonly existingId: number,
  ) {
    super(
      'idempotency_conflict',
      `the idempotency key ${JSON.stringify(idempotencyKey)} belongs to message ${existingId}, which has another sender, content or conversation`,
      { hint: 'use a different key for each message', blames: 'message', exitCode: ExitCode.no },
    )
  }
}

/**
 * The database could not be reached, or stayed busy, until the deadline, or `close` did not wait for the call. Retry the same call,
 * a save with the same key. `code` is `database_unavailable`, or that of a cause that is no fault of the database.
 */
export class StoreUnavailable extends StoreError {
  override readonly name = 'StoreUnavailable'
  readonly #reason: string
  constructor(
    reason: string,
    cause: unknown,
    /** Of a save: the key to retry with, also when the store generated it. The message may already be stored. */
    readonly idempotencyKey?: string,
    details: readonly string[] = explainFailedConnection(cause)?.details ?? [],
    hint: Next = nextAfterWait(reason, cause) ?? [],
  ) {
    const own = cause instanceof OperatorError && OTHER_CAUSES.includes(cause.code) ? cause : undefined
    super(own?.code ?? 'database_unavailable', own?.message ?? `the database is unavailable: ${reason}`, {
      cause,
      details,
      sqlState: answeredState(cause),
      retryable: true,
      blames: 'database',
      hint: own?.next ?? hint,
      exitCode:
        isHeldByOthers(cause) || hasSqlState(cause, SqlState.lockNotAvailable) ? ExitCode.busy : ExitCode.unreachable,
    })
    this.#reason = reason
  }

  /** @internal */
  get reason(): string {
    return this.#reason
  }
}

const OTHER_CAUSES = [
  'connection_in_transaction',
  'client_encoding_not_utf8',
  'store_closed',
  'lock_not_available',
  READ_FROM_STANDBY,
]

/** The `db` of a save is not in a transaction that a statement can be added to. Nothing was written. */
export class NotInTransaction extends StoreError {
  override readonly name = 'NotInTransaction'
  constructor(reason: string, cause?: unknown) {
    super('not_in_transaction', `db is not in a transaction that can take the message: ${reason}`, {
      cause,
      blames: 'caller',
      exitCode: ExitCode.no,
      hint: hasSqlState(cause, SqlState.inFailedTransaction)
        ? REPEAT_TRANSACTION
        : `${toBeIn(cause)}, or leave db out: then the store commits the message itself`,
    })
  }
}

const toBeIn = (cause: unknown): string => {
  if (hasSqlState(cause, SqlState.readOnlyTransaction)) return 'begin the transaction with READ WRITE'
  if (cause === undefined || isServerError(cause)) return 'pass the client on which BEGIN was run'
  return 'await the save before the transaction ends'
}

/**
 * Another session has changed what the caller's transaction saw, or waits for it. Nothing of the message is stored: roll the
 * transaction back and repeat it, the save with the same key.
 */
export class TransactionConflict extends StoreError {
  override readonly name = 'TransactionConflict'
  constructor(
    cause: ServerError,
    readonly idempotencyKey: string,
  ) {
    super('transaction_conflict', `the transaction conflicts with another session: ${cause.message}`, {
      cause,
      sqlState: cause.code,
      retryable: true,
      blames: 'database',
      exitCode: ExitCode.busy,
      hint: REPEAT_TRANSACTION,
    })
  }
}

/** No synchronous standby that commits wait for is attached, and the caller asked for one. Retry the same call, a save with the same key. */
export class NotReplicated extends StoreError {
  override readonly name = 'NotReplicated'
  constructor(reason: string) {
    super('not_replicated', `no synchronous standby would have the message: ${reason}`, {
      retryable: true,
      blames: 'database',
      exitCode: ExitCode.unreachable,
    })
  }
}

/** The store's queue is full. Nothing was written; retry later. */
export class StoreOverloaded extends StoreError {
  override readonly name = 'StoreOverloaded'
  constructor(messages: number) {
    super('store_overloaded', `the queue is full: ${messages} messages are waiting for the database`, {
      retryable: true,
      blames: 'database',
      exitCode: ExitCode.busy,
    })
  }
}

/** The database lacks tables, columns or indexes that the store needs: it was not migrated, or was rolled back. */
export class SchemaNotReady extends StoreError {
  override readonly name = 'SchemaNotReady'
  constructor(reason: string, cause: unknown, hint?: Next) {
    super('schema_not_ready', `the database is not ready for guest messages: ${reason}`, {
      cause,
      hint:
        hint ??
        (hasSqlState(cause, SqlState.undefinedTable)
          ? ['check that this is the database of the chat, and its schema', or(chatkeep('migrate'))]
          : chatkeep('migrate')),
      blames: 'schema',
      exitCode: ExitCode.no,
    })
  }
}

/** The constraint with which a rollback requires a client for every new message, before it restores NOT NULL. */
export const CLIENT_GUARD = 'chatkeep_clientId_not_null'

/**
 * Turns a missing table, column or unique index, and a rollback's constraint that requires a client, into `SchemaNotReady`.
 * Returns every other error unchanged.
 */
export const explainMissingSchema = (error: unknown): unknown =>
  isMissing(error) || wantsClient(error) ? new SchemaNotReady(error.message, error) : error

// With a context, the object is missing in a trigger or function of the application, which no migration creates.
const isMissing = (error: unknown): error is ServerError =>
  hasSqlState(
    error,
    SqlState.undefinedTable,
    SqlState.undefinedColumn,
    SqlState.undefinedObject,
    SqlState.invalidColumnReference,
    SqlState.invalidSchemaName,
  ) && error.where === undefined

const wantsClient = (error: unknown): error is ServerError =>
  (hasSqlState(error, SqlState.checkViolation) && error.constraint === CLIENT_GUARD) ||
  (hasSqlState(error, SqlState.notNullViolation) && error.table === 'ChatMessage' && error.column === 'clientId')

/** Turns an error of the server into `SchemaNotReady`, `CharacterNotStorable` or `DatabaseRefused`. Returns every other error unchanged. */
export const explainRefusal = (error: unknown): unknown => {
  if (hasSqlState(error, SqlState.untranslatableCharacter)) return new CharacterNotStorable(error)
  const explained = explainMissingSchema(error)
  return isServerError(explained) ? new DatabaseRefused(explained) : explained
}

/**
 * The same for what is not a message. Only what the server was sent has a context: otherwise it could not send a character of a row.
 */
export const explainRefusedCall = (error: unknown): unknown =>
  hasSqlState(error, SqlState.untranslatableCharacter) && error.where === undefined
    ? new DatabaseRefused(error, 'database')
    : explainRefusal(error)

/** The error of a message that fails while others of its kind are stored, whatever the class of the error. */
export const explainRowRefusal = (error: unknown): unknown =>
  isServerError(error) ? new DatabaseRefused(error, hasNoPartition(error) ? 'database' : 'message') : error

/** The INSERT succeeded but stored no row: a trigger or a rule on "ChatMessage" discards it. */
export class MessageNotStored extends StoreError {
  override readonly name = 'MessageNotStored'
  constructor() {
    super('message_not_stored', 'the database accepted the message but did not store it', {
      blames: 'message',
      exitCode: ExitCode.no,
      hint: 'look for a trigger or rule on "ChatMessage" that discards inserts',
    })
  }
}

/** A text of the call has a character that the encoding of the database, such as LATIN1, lacks. Nothing was written. */
export class CharacterNotStorable extends StoreError {
  override readonly name = 'CharacterNotStorable'
  constructor(cause: ServerError) {
    super('character_not_storable', `the encoding of the database lacks a character: ${cause.message}`, {
      blames: 'message',
      cause,
      sqlState: cause.code,
      exitCode: ExitCode.no,
      hint: encodingHint(cause),
    })
  }
}

/**
 * The database refused for good; `sqlState` says why. `blames` is `message` when the server rejected this one row (a
 * constraint, a trigger that raises an error), and `database` when every message would fail alike (a missing privilege, a
 * full sequence, a trigger that does not work).
 */
export class DatabaseRefused extends StoreError {
  override readonly name = 'DatabaseRefused'
  constructor(cause: ServerError, blames: Blame = blamesTheRow(cause) ? 'message' : 'database') {
    super('database_refused', `the database answered: ${cause.message}`, {
      blames,
      cause,
      sqlState: cause.code,
      exitCode: exitCodeForState(cause.code),
      details: cause.detail === undefined ? [] : [`detail: ${cause.detail}`],
      hint: nextAfterRefusal(cause),
    })
  }
}

/** A stored id is beyond what a number holds exactly. A message that was being saved is stored. */
export class IdTooLarge extends StoreError {
  override readonly name = 'IdTooLarge'
  constructor(
    /** In decimal digits. */
    readonly id: string,
  ) {
    super(
      'id_too_large',
      `the id ${id} cannot be returned exactly: ids must be from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`,
      { blames: 'database', exitCode: ExitCode.no, hint: chatkeep('explain id_too_large') },
    )
  }
}

/** The store is closed, or the caller has ended its pool. Nothing was written. */
export class StoreClosed extends StoreError {
  override readonly name = 'StoreClosed'
  constructor(reason = 'the chat store is closed') {
    super('store_closed', reason, { blames: 'caller', exitCode: ExitCode.unreachable })
  }
}
