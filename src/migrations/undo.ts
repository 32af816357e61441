import type { Queryable } from '../database/connection.js'
import { inTransaction } from '../database/transaction.js'
import { readArchiveObjects } from './archive/archive.js'
import { dropCapture } from './archive/capture.js'
import { migrationTitle, runsInTransaction, type RollbackScript } from './ledger/migration-files.js'
import type { RollbackRange } from './ledger/rollback-range.js'
import { recordRun } from './ledger/runs.js'
import { runStatements } from './running/run-statements.js'
import { withShortLocks, type LockWaitOptions } from './running/short-lock.js'
import { toSqlFileError } from './running/sql-error.js'
import { stateAfterFailure } from './running/state-after-failure.js'

export interface RolledBackStep {
  readonly id: number
  readonly name: string
  readonly durationMs: number
}

/**
 * Runs one rollback file and deletes its history row.
 * @param before the steps already undone, for the error
 * @throws OperatorError with file, line and column when a statement fails
 */
export const undoMigration = async (
  client: Queryable,
  { file, sql }: RollbackScript,
  before: readonly RolledBackStep[],
  { captureEnds }: RollbackRange,
  options: LockWaitOptions,
): Promise<RolledBackStep> => {
  const startedAt = performance.now()
  const record = async (): Promise<void> => {
    await client.query('DELETE FROM "migrations" WHERE "id" = $1', [file.id])
    await recordRun(client, {
      action: 'roll back',
      migration: migrationTitle(file),
      durationMs: performance.now() - startedAt,
    })
  }
  try {
    if (runsInTransaction({ sql })) {
      await withShortLocks(client, options, async () => {
        // Its lock keeps writers out until the commit, so the archive is complete when the columns go.
        if (file.name === captureEnds) await dropCapture(client, await readArchiveObjects(client))
        await runStatements(client, sql)
        await record()
      })
    } else {
      await runStatements(client, sql)
      // One transaction: if a cut left only one of the two rows, no later run would write the other.
      await inTransaction(client, record)
    }
  } catch (error) {
    const state = await stateAfterFailure(client, { sql }, before)
    throw toSqlFileError(error, `migrations/rollback/${file.fileName}`, sql, state, HINT)
  }
  const durationMs = Math.round(performance.now() - startedAt)
  options.onEvent({ type: 'done', migration: migrationTitle(file), action: 'undone', durationMs })
  return { id: file.id, name: file.name, durationMs }
}

const HINT =
  'fix the cause and run the same rollback again; it continues where it stopped. To go forward instead: chatkeep migrate'
