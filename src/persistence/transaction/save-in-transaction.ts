import type { Client, QueryResult } from 'pg'
import { failureReason, isConnectionFailure } from '../../database/connection-failure.js'
import type { Queryable } from '../../database/connection.js'
import { CLIENT_ENCODING, isUtf8, LEAVE_AT_UTF8 } from '../../database/session/client-encoding.js'
import { withSavepoints } from '../../database/encoding/savepoints.js'
import { hasSqlState, SqlState, type ServerError } from '../../database/sql-state.js'
import { nextInTransaction } from '../after-refusal.js'
import { explainRefusal, InvalidCall, NotInTransaction, StoreUnavailable, TransactionConflict } from '../errors.js'
import type { WithKeyGuard } from '../keys/key-guard.js'
import { ownKeyOf } from '../keys/key-scope.js'
import type { SavedChatMessage } from '../message.js'
import { MESSAGE_KEYS } from '../own-names.js'
import { createPendingSave, heldUp, noteAttempt } from '../pending-save.js'
import type { PreparedMessage } from '../prepare-message.js'
import { isRetryable } from '../retry.js'
import { saveBatch } from '../save-batch.js'
import { SHORT_LOCK_TIMEOUT_MS, type Names } from '../sql-names.js'
import { traceSave } from '../trace-save.js'
import { checkExamples, EXAMPLE_COLUMNS, withOwnRows } from './own-rows.js'
import { inTurn, isPool, type TransactionClient } from './transaction-client.js'

/** What a message is saved with, besides the transaction. */
export interface SaveSettings {
  readonly names: Names
  readonly withKeyGuard: WithKeyGuard
}

/**
 * Saves a message in a transaction of the caller, once for its key. Each statement is in a savepoint of its own, so that an
 * error leaves the transaction as it was. Nothing is retried, and nothing is durable before the caller has committed.
 * @throws NotInTransaction, TransactionConflict, StoreUnavailable (both retryable: repeat the transaction), and the errors of a message
 */
export const saveInTransaction = async (
  db: TransactionClient,
  { names, withKeyGuard }: SaveSettings,
  message: PreparedMessage,
  signal?: AbortSignal,
): Promise<SavedChatMessage> => {
  if (isPool(db)) throw new NotInTransaction('it is a pool')
  return inTurn(db, async () => {
    signal?.throwIfAborted()
    // Its time is up at once: a guest's message that waits for a lock is saved without client, and reconcile links it.
    const pending = createPendingSave(message, Date.now() - 1)
    noteAttempt([pending])
    const answer = traceSave(pending, 'written')
    // It may be known before the last of our statements is done, and is returned after that.
    answer.catch(() => undefined)
    try {
      await withLockTimeout(db, signal, (client) =>
        withKeyGuard(client, (keyGuard) =>
          saveBatch({ transaction: 'callers', client, names, statements: UNNAMED, keyGuard }, [pending]),
        ),
      )
    } catch (error) {
      const explained = hasSqlState(error, SqlState.readOnlyTransaction)
        ? await explainReadOnly(db, error, message)
        : explain(error, message)
      if (pending.isSettled()) throw explained
      pending.fail(explained)
    }
    if (!pending.isSettled()) pending.fail(heldUp(pending, {}))
    return answer
  })
}

/** Statements without names: in a session of the caller none of ours stays behind. */
const UNNAMED = {
  query: (db: Queryable, text: string, values: readonly unknown[]) => db.query(text, [...values]),
}

/** How long a statement waits for a row that another transaction holds, unless the caller's own lock_timeout is shorter. */
const LOCK_TIMEOUT_MS = 1_000

const SHORTEN_LOCK_TIMEOUT = `
  WITH "callers" AS MATERIALIZED (SELECT pg_catalog.current_setting('lock_timeout') AS "lockTimeout")
  SELECT ${EXAMPLE_COLUMNS}, ${CLIENT_ENCODING} AS "clientEncoding", "lockTimeout", CASE
    WHEN "lockTimeout"::pg_catalog.interval OPERATOR(pg_catalog.=) '0'
      OR "lockTimeout"::pg_catalog.interval OPERATOR(pg_catalog.>) '${LOCK_TIMEOUT_MS} ms'
    THEN pg_catalog.set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true) END AS "ours"
  FROM "callers"`

const RESTORE_LOCK_TIMEOUT = `SELECT pg_catalog.set_config('lock_timeout', $1, true)`

interface Shortened {
  readonly text: unknown
  readonly lockTimeout: string
  readonly clientEncoding: string
  readonly ours: string | null
}

const withLockTimeout = async <T>(
  db: TransactionClient,
  signal: AbortSignal | undefined,
  work: (client: Queryable) => Promise<T>,
): Promise<T> => {
  const client = withOwnRows(db)
  const { rows } = await client.query<Shortened>(SHORTEN_LOCK_TIMEOUT)
  const [row] = rows
  const isShortened = { now: row?.ours !== null }
  const restore = async (): Promise<void> => {
    // Of a text that arrived changed nothing can be restored but the default of the session, as by NULL.
    if (isShortened.now) await client.query(RESTORE_LOCK_TIMEOUT, [row?.text === 'text' ? row.lockTimeout : null])
  }
  let result: T
  try {
    // The caller's own statements may have been waited for. A queued statement cannot be taken back, so the call does not end before.
    signal?.throwIfAborted()
    checkExamples(row)
    if (row !== undefined && !isUtf8(row.clientEncoding)) throw wrongEncodingOf(row.clientEncoding)
    result = await work(waitingOnce(client, isShortened))
  } catch (error) {
    // The first error wins.
    if (!isConnectionFailure(error)) await restore().catch(() => undefined)
    throw error
  }
  await restore()
  return result
}

const wrongEncodingOf = (encoding: string): InvalidCall =>
  new InvalidCall('invalid_option', `the session of db has client_encoding ${encoding}, not UTF8`, {
    hint: LEAVE_AT_UTF8,
  })

const SHORTEN_FURTHER = `
  SELECT pg_catalog.set_config('lock_timeout', '${SHORT_LOCK_TIMEOUT_MS}', true)
  WHERE pg_catalog.current_setting('lock_timeout')::pg_catalog.interval OPERATOR(pg_catalog.>) '${SHORT_LOCK_TIMEOUT_MS} ms'`

// After one wait, the statements that try it otherwise, such as without the client, do not wait as long again.
const waitingOnce = (client: Queryable, isShortened: { now: boolean }): Queryable => {
  const inSavepoints = withSavepoints(client)
  const query = async (text: string, values?: unknown[]): Promise<QueryResult> => {
    try {
      return await inSavepoints.query(text, values)
    } catch (error) {
      if (hasSqlState(error, SqlState.lockNotAvailable)) {
        isShortened.now = true
        // The first error wins.
        await client.query(SHORTEN_FURTHER).catch(() => undefined)
      }
      throw error
    }
  }
  return { query: query as Client['query'] }
}

const explain = (error: unknown, message: PreparedMessage): unknown => {
  if (hasSqlState(error, SqlState.noActiveTransaction)) return new NotInTransaction('no transaction has begun', error)
  if (hasSqlState(error, SqlState.inFailedTransaction)) return new NotInTransaction('the transaction has failed', error)
  if (hasSqlState(error, SqlState.serializationFailure, SqlState.deadlockDetected) || isKeyTakenSince(error)) {
    return new TransactionConflict(error, ownKeyOf(message))
  }
  if (hasSqlState(error, SqlState.lockNotAvailable)) return heldUp({ message }, { error })
  if (isRetryable(error))
    return new StoreUnavailable(failureReason(error), error, ownKeyOf(message), [], nextInTransaction(error))
  return explainRefusal(error)
}

// Of a standby, or a primary that has become one, the next transaction may be another server's.
const SELECT_READ_ONLY_SERVER = `
  SELECT pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('default_transaction_read_only') = 'on' AS "isServer"`

const explainReadOnly = async (
  db: TransactionClient,
  error: ServerError,
  message: PreparedMessage,
): Promise<unknown> => {
  const { rows } = await db.query(SELECT_READ_ONLY_SERVER).catch(() => ({ rows: [] }))
  const [row] = rows as readonly { readonly isServer?: unknown }[]
  return row?.isServer === false ? new NotInTransaction('the transaction is read-only', error) : explain(error, message)
}

// Where the table of messages is partitioned: the row of another session is not visible to the snapshot of the transaction.
const isKeyTakenSince = (error: unknown): error is ServerError =>
  hasSqlState(error, SqlState.uniqueViolation) && error.table?.startsWith(MESSAGE_KEYS) === true
