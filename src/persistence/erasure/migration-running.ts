import { MIGRATION_LOCK_KEY } from '../../database/blockers.js'
import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { again } from '../../next-step.js'

// Shared: erasures may run side by side, and migrate gets its turn between two batches.
const TRY_LOCK = `SELECT pg_try_advisory_xact_lock_shared(${MIGRATION_LOCK_KEY}) AS "acquired"`

/**
 * Keeps migrate and rollback out until the end of the transaction: a rollback archives messages, and would keep those that are
 * being deleted.
 * @throws OperatorError `migration_lock_held` (exit 4)
 */
export const refuseDuringMigration = async (client: Queryable): Promise<void> => {
  const { acquired } = onlyRow(await client.query<{ acquired: boolean }>(TRY_LOCK))
  if (acquired) return
  throw new OperatorError('migration_lock_held', 'a migration or a rollback of this database is running', {
    exitCode: ExitCode.busy,
    retryable: true,
    hint: again('', 'when it is done; it continues where it stopped'),
  })
}
