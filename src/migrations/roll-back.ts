import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { inTransaction } from '../database/transaction.js'
import { interruptedBy, type OperatorError } from '../errors.js'
import { readArchiveObjects, type ArchiveSummary } from './archive/archive.js'
import { isArchiveOpen, openArchive, refuseNarrower, sealArchive } from './archive/seal.js'
import { dropCapture } from './archive/capture.js'
import { migrationTitle, runsInTransaction, type MigrationFile } from './ledger/migration-files.js'
import { explainLostSession } from './running/lost-connection.js'
import { prepareRollback, refuseImpossible, type RollbackChoice, type RollbackOptions } from './prepare-rollback.js'
import type { PlanDetails } from './plan/describe-plan.js'
import { readPriceTag, type PriceTag } from './plan/price-tag.js'
import { readMigrationState } from './ledger/migration-state.js'
import {
  describeRollback,
  readUndone,
  refuseColumnsInUse,
  refuseOtherRollback,
  type Undone,
} from './plan/rollback-plan.js'
import { rollbackRange, type RollbackRange } from './ledger/rollback-range.js'
import { runStatements } from './running/run-statements.js'
import { ensureRunsTable, recorded, recordRun } from './ledger/runs.js'
import { withMigrationPreview, withMigrationSession, type MigrationOptions, type PreviewOptions } from './session.js'
import { withShortLocks } from './running/short-lock.js'
import { toSqlFileError } from './running/sql-error.js'
import { stateAfterFailure } from './running/state-after-failure.js'
import { checkPrivileges } from './ledger/privileges.js'

export interface RollbackPreview {
  /** What will be undone, newest first; empty when there is nothing to undo. */
  readonly files: readonly MigrationFile[]
  readonly price: PriceTag
  /** Names the state that the plan was made for. */
  readonly planHash: string
  /** What it costs others, statement by statement; only when nothing but a look was asked for. */
  readonly details: PlanDetails | undefined
  /** Nothing is left to undo, but the archive of the rollback is not sealed: it was cut at its very end. */
  readonly unsealed: boolean
}

export interface RolledBackStep {
  readonly id: number
  readonly name: string
  readonly durationMs: number
}

export interface RollbackResult {
  readonly steps: readonly RolledBackStep[]
  readonly archive: ArchiveSummary
  readonly durationMs: number
}

/** Says what a rollback would undo and what it would cost. */
export const previewRollback = (
  target: ConnectionTarget,
  options: PreviewOptions & RollbackChoice,
): Promise<RollbackPreview> =>
  withMigrationPreview(target, 'rollback', options, async (client) => {
    const state = await readMigrationState(client, options.schema, options.folder)
    const range = rollbackRange(state, options.to)
    await refuseNarrower(client, range)
    const undone = await readUndone(options.folder, range.files)
    const planHash = await refuseOtherRollback(client, state, undone, options)
    const price = await readPriceTag(client, state.catalog, range)
    const details = options.dryRun
      ? await describeRollback(client, { state, undone, price, range, ...options })
      : undefined
    return {
      files: range.files,
      price,
      planHash,
      details,
      unsealed: range.files.length === 0 && (await isArchiveOpen(client)),
    }
  })

/**
 * Undoes the guest-chat update, or what of it lies above a migration, and keeps everything that the old schema cannot hold
 * in an archive. First all that can fail (archive, link, guard, validate), then the drops, newest first.
 */
export const rollBack = (target: ConnectionTarget, options: RollbackOptions): Promise<RollbackResult> =>
  withMigrationSession(target, 'rollback', options, async (client) => {
    const startedAt = performance.now()
    const state = await readMigrationState(client, options.schema, options.folder)
    const range = rollbackRange(state, options.to)
    const undone = await readUndone(options.folder, range.files)
    const planHash = await refuseOtherRollback(client, state, undone, options)
    await checkPrivileges(client, options.schema)
    await refuseNarrower(client, range)
    await refuseColumnsInUse(client, undone)
    const price = await readPriceTag(client, state.catalog, range)
    await refuseImpossible(client, range, price, options)
    await ensureRunsTable(client)
    return recorded(client, 'rollback', { planHash, to: range.to }, async () => {
      const steps: RolledBackStep[] = []
      try {
        if (range.columns.length > 0 || range.archivesGuestClients) await openArchive(client, range.to)
        if (range.captureEnds !== undefined) await prepareRollback(client, range, options)
        for (const one of undone) {
          options.signal.throwIfAborted()
          steps.push(await undo(client, one, steps, range, options))
        }
        const archive = await sealArchive(client, range.to, performance.now() - startedAt)
        return { steps, archive, durationMs: performance.now() - startedAt }
      } catch (error) {
        throw options.signal.aborted
          ? interrupted(options.signal, error, steps)
          : explainLostSession(error, describeState(steps), GO_ON)
      }
    })
  })

const undo = async (
  client: Queryable,
  { file, script }: Undone,
  before: readonly RolledBackStep[],
  { captureEnds }: RollbackRange,
  options: MigrationOptions,
): Promise<RolledBackStep> => {
  const startedAt = performance.now()
  const finish = async (): Promise<void> => {
    await client.query('DELETE FROM "migrations" WHERE "id" = $1', [file.id])
    await recordRun(client, {
      action: 'roll back',
      migration: migrationTitle(file),
      durationMs: performance.now() - startedAt,
    })
  }
  try {
    if (runsInTransaction({ sql: script })) {
      await withShortLocks(client, options, async () => {
        // From here to the commit nobody writes, so the archive is complete when the columns go.
        if (file.name === captureEnds) await dropCapture(client, await readArchiveObjects(client))
        await runStatements(client, script)
        await finish()
      })
    } else {
      await runStatements(client, script)
      // Together: were only one of them there after a cut, nobody would ever write the other.
      await inTransaction(client, finish)
    }
  } catch (error) {
    const state = await stateAfterFailure(client, { sql: script }, before)
    throw toSqlFileError(error, `migrations/rollback/${file.fileName}`, script, state, HINT)
  }
  const durationMs = Math.round(performance.now() - startedAt)
  options.onEvent({ type: 'done', migration: migrationTitle(file), action: 'undone', durationMs })
  return { id: file.id, name: file.name, durationMs }
}

const HINT =
  'mend the cause and run the same rollback again: it goes on where it stopped; or go forward again with chatkeep migrate'

const describeState = (steps: readonly RolledBackStep[]): string => {
  const done = steps.length === 0 ? 'nothing was dropped' : `undone so far: ${steps.map(migrationTitle).join(', ')}`
  return `${done}; what was archived and linked so far is kept`
}

const GO_ON = 'run the same rollback again to finish it, or chatkeep migrate to go back to where it began'

const interrupted = (signal: AbortSignal, cause: unknown, steps: readonly RolledBackStep[]): OperatorError =>
  interruptedBy(signal, (ended) => `rollback was ${ended}`, {
    details: [`state: ${describeState(steps)}`],
    hint: GO_ON,
    cause,
  })
