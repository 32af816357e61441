import type { Pool } from 'pg'
import { withPooledClient } from '../database/connection.js'
import { blockageBehind, describeBlockage, noteBlockage } from '../database/blockers.js'
import { DURABLE_COMMIT, emitMessage } from '../database/durability/durable-commit.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'
import { inTransaction } from '../database/transaction.js'
import { findLockHolders } from '../database/waiting/lock-holders.js'
import { failureReason } from '../database/connection-failure.js'
import { explainRefusal, StoreUnavailable } from './errors.js'
import type { KeyGuard, WithKeyGuard } from './keys/key-guard.js'
import { insertNothingSql } from './message-rows.js'
import { isRetryable } from './retry.js'
import type { Names } from './sql-names.js'

/** How long the check waits for a connection, and then for its answer. */
const LIMITS = { patienceMs: 1_000, workMs: 1_000 }

/**
 * Proves that a message can be saved now: the insert runs (columns, unique index, the role's privileges, a writable database,
 * no lock that blocks it), and a commit is flushed to disk.
 * @throws SchemaNotReady, DatabaseRefused or StoreUnavailable
 */
export const checkReady = async (pool: Pool, names: Names, withKeyGuard: WithKeyGuard): Promise<void> => {
  try {
    await withPooledClient(pool, LIMITS, async (client) => {
      try {
        await withKeyGuard(client, (guard) => inTransaction(client, () => client.query(proofSql(names, guard))))
      } catch (error) {
        if (hasSqlState(error, SqlState.lockNotAvailable)) noteBlockage(error, await findLockHolders(client, 'writes'))
        throw error
      }
    })
  } catch (error) {
    const blockage = blockageBehind(error)
    const reason = blockage === undefined ? failureReason(error) : describeBlockage(blockage)
    throw isRetryable(error) ? new StoreUnavailable(reason, error) : explainRefusal(error)
  }
}

// In a transaction that outlives a statement: a pooler in statement mode refuses those, and then no guest's client can be
// created. The lock time-out ends a wait that outlives us. The insert of no rows is executed: EXPLAIN would succeed on a
// read-only database.
const proofSql = (names: Names, guard: KeyGuard): string => `
  SELECT pg_catalog.set_config('lock_timeout', '500', true);
  ${insertNothingSql(names, guard)};
  SELECT ${DURABLE_COMMIT} AND ${emitMessage('ready')}`
