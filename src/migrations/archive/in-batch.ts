import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { inTransaction } from '../../database/transaction.js'
import { withApplicationPath } from '../running/application-path.js'
import { ignoreOwnChanges } from './capture.js'
import type { OwnClient } from '../own/own-client.js'
import type { ReplicaPace } from '../../database/waiting/replica-lag.js'
import type { OnMigrationEvent } from '../running/events.js'

// Shorter than the server's deadlock_timeout (1 s): if we and a writer wait for each other, we give way.
const LOCK_TIMEOUT_MS = 200
const MAX_ATTEMPTS = 50

/** Options of work in batches. */
export interface BatchOptions {
  readonly signal: AbortSignal
  readonly onEvent: OnMigrationEvent
  readonly replicas: ReplicaPace
}

/** Runs one batch of a rollback in its own transaction. Retries if another session holds one of its rows. */
export const inBatch = async <T>(client: OwnClient, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted()
    try {
      return await inTransaction(client, async () => {
        await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
        await ignoreOwnChanges(client)
        return withApplicationPath(client, 'transaction', work)
      })
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !hasSqlState(error, SqlState.lockNotAvailable, SqlState.deadlockDetected))
        throw error
    }
  }
}
