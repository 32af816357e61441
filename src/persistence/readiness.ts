import type { Pool } from 'pg'
import { withPooledClient } from '../database/connection.js'
import { failureReason } from '../database/connection-failure.js'
import { explainRefusal, StoreUnavailable } from './errors.js'
import { insertNothingSql } from './message-rows.js'
import { isRetryable } from './retry.js'
import type { Names } from './sql-names.js'

/** How long a database may take to prove itself. */
const LIMITS = { patienceMs: 1_000, workMs: 1_000 }

/**
 * Proves that a message could be kept now: the statement that keeps messages runs (its columns, its unique index, the role's
 * rights, a database that takes writes, no lock in its way), and a commit goes through for which the server waited for its disk.
 * @throws SchemaNotReady, DatabaseRefused or StoreUnavailable
 */
export const checkReady = async (pool: Pool, names: Names): Promise<void> => {
  try {
    await withPooledClient(pool, LIMITS, (client) => client.query(proofSql(names)))
  } catch (error) {
    throw isRetryable(error) ? new StoreUnavailable(failureReason(error), error) : explainRefusal(error)
  }
}

// The statements of one string are one transaction, behind a pooler, too. The lock time-out keeps a session from waiting on
// when we have gone. The insert of nothing is run, not explained: only then does a read-only database refuse it. A message in
// the database's log, to which nobody listens, gives the transaction an id, so that its commit is flushed like any other.
const proofSql = (names: Names): string => `
  SELECT pg_catalog.set_config('lock_timeout', '500', true),
    CASE WHEN pg_catalog.current_setting('synchronous_commit') = 'off' THEN pg_catalog.set_config('synchronous_commit', 'on', true) END;
  ${insertNothingSql(names)};
  SELECT pg_catalog.pg_logical_emit_message(true, 'chatkeep', 'ready')`
