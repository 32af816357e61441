import type { RunClient } from './own/own-client.js'
import { inTransaction } from '../database/transaction.js'
import { readArchiveObjects } from './archive/archive.js'
import type { CaptureWatch } from './archive/missed-writes.js'
import { dropCapture } from './archive/capture.js'
import { migrationTitle, runsInTransaction, type RollbackScript } from './ledger/migration-files.js'
import type { RollbackRange } from './ledger/rollback-range.js'
import { recordRun } from './ledger/runs.js'
import { runFile, type RunFileOptions } from './run-file.js'
import { hintAfter } from './running/cancelled.js'
import { withShortLocks } from '../database/waiting/lock-attempts.js'
import { toSqlFileError } from './running/sql-error.js'
import { stateAfterFailure } from './running/state-after-failure.js'
import { again, chatkeep, or } from '../next-step.js'

export interface RolledBackStep {
  readonly id: number
  readonly name: string
  readonly durationMs: number
}

export interface UndoOptions extends RunFileOptions {
  readonly range: RollbackRange
  /** Undefined when nothing is archived. */
  readonly watch: CaptureWatch | undefined
}

/**
 * Runs one rollback file and deletes its history row.
 * @param before the steps already undone, for the error
 * @throws OperatorError with file, line and column when a statement fails
 */
export const undoMigration = async (
  client: RunClient,
  { file, sql }: RollbackScript,
  before: readonly RolledBackStep[],
  { range: { captureEnds }, watch, ...options }: UndoOptions,
): Promise<RolledBackStep> => {
  const startedAt = performance.now()
  const title = migrationTitle(file)
  const record = async (): Promise<void> => {
    await client.query(`DELETE FROM ${client.own.migrations} WHERE "id" = $1`, [file.id])
    await recordRun(client, {
      action: 'roll back',
      migration: title,
      durationMs: performance.now() - startedAt,
    })
  }
  try {
    if (runsInTransaction({ sql })) {
      await options.replicas.untilQuiet(client)
      await withShortLocks(client, options, async () => {
        await runFile(client, 'transaction', { title, sql }, options)
        // The lock of its ALTER TABLE keeps writers out until the commit, so the archive is complete when the columns go.
        await watch?.refuseMissed(client)
        if (file.name === captureEnds) await dropCapture(client, await readArchiveObjects(client))
        await record()
      })
    } else {
      await runFile(client, 'session', { title, sql }, options)
      // One transaction: if a cut left only one of the two rows, no later run would write the other.
      await inTransaction(client, record)
    }
  } catch (error) {
    const state = await stateAfterFailure(client, error, { sql }, before)
    throw toSqlFileError(
      error,
      `migrations/rollback/${file.fileName}`,
      sql,
      state,
      await hintAfter(client, error, HINT),
    )
  }
  await client.confirm()
  const durationMs = Math.round(performance.now() - startedAt)
  options.onEvent({ type: 'done', migration: title, action: 'undone', durationMs })
  return { id: file.id, name: file.name, durationMs }
}

const HINT = [
  'fix the cause',
  again('', 'it continues where it stopped'),
  or(chatkeep('migrate', 'to go forward instead')),
]
