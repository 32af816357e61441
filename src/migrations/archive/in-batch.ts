import type { Queryable } from '../../database/connection.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { inTransaction } from '../../database/transaction.js'
import { markOwnChanges } from './capture.js'
import type { OnMigrationEvent } from '../running/events.js'

// Shorter than the server's deadlock_timeout (1 s): should we and a writer wait for each other, it is we who step back.
const LOCK_TIMEOUT_MS = 200
const MAX_ATTEMPTS = 50

export interface BatchOptions {
  readonly signal: AbortSignal
  readonly onEvent: OnMigrationEvent
}

/** Runs a small piece of a rollback's work on rows in its own transaction, again when somebody holds one of the rows. */
export const inBatch = async <T>(client: Queryable, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted()
    try {
      return await inTransaction(client, async () => {
        await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
        await markOwnChanges(client)
        return work()
      })
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !hasSqlState(error, SqlState.lockNotAvailable, SqlState.deadlockDetected))
        throw error
    }
  }
}
