import type { ConnectionTarget } from '../database/connection-target.js'
import { readWithLocks } from '../database/waiting/lock-attempts.js'
import { interruptedBy, OperatorError } from '../errors.js'
import { countArchivedMessages, readArchiveObjects, type ArchiveSummary } from './archive/archive.js'
import { releaseGuard, type CaptureWatch } from './archive/missed-writes.js'
import { openArchive, sealArchive } from './archive/seal.js'
import { checkRollback } from './check-rollback.js'
import { migrationTitle, type MigrationFile } from './ledger/migration-files.js'
import { recorded } from './ledger/runs.js'
import { readOwnState } from './own/own-state.js'
import { ownStatements } from './own/own-statements.js'
import type { PlanDetails } from './plan/describe-plan.js'
import { connectionNotes, readNotes } from './plan/notes.js'
import type { Obstacle } from './plan/obstacle.js'
import type { PriceTag } from './plan/price-tag.js'
import { describeRollback } from './plan/rollback-plan.js'
import { prepareOwnSchema } from './prepare-own-schema.js'
import {
  beginCapture,
  prepareRollback,
  refuseUnlinkableGuests,
  type RollbackChoice,
  type RollbackOptions,
} from './prepare-rollback.js'
import { withMigrationPreview, type Checked, type PreviewOptions } from './preview.js'
import { explainFailedChange } from './running/lost-connection.js'
import { withMigrationSession } from './session.js'
import { undoMigration, type RolledBackStep } from './undo.js'
import { again, chatkeep, or } from '../next-step.js'

export interface RollbackPreview extends Checked {
  /** Migrations to undo, newest first. */
  readonly files: readonly MigrationFile[]
  readonly price: PriceTag
  /** Identifies the state that the plan was made from. */
  readonly planHash: string
  /** Locks and estimates of each statement; only with `dryRun` and `verbose`. */
  readonly details: PlanDetails | undefined
  /** What the reader should know before the confirmation; with `dryRun`, the details have it. */
  readonly obstacles: readonly Obstacle[]
  /** Nothing is left to undo, but an earlier rollback was cut before it sealed its archive. */
  readonly unsealed: boolean
  /** Whether the tables of a chat are there. */
  readonly hasTables: boolean
}

export interface RollbackResult {
  readonly steps: readonly RolledBackStep[]
  readonly archive: ArchiveSummary
  readonly durationMs: number
}

/** Plans a rollback: what it undoes, and which rows it archives, links or moves. Changes nothing. */
export const previewRollback = (
  target: ConnectionTarget,
  options: PreviewOptions & RollbackChoice,
): Promise<RollbackPreview> =>
  withMigrationPreview(target, 'rollback', options, async (client) => {
    const checked = await checkRollback(client, options)
    const { state, range, scripts, archive, planHash, price, unsealed, refusal } = checked
    const known = [...checked.obstacles, ...connectionNotes(target)]
    const details =
      options.dryRun || options.verbose === true
        ? await describeRollback(client, { state, scripts, price, range, archive, known, ...options })
        : undefined
    const obstacles = options.dryRun
      ? []
      : [
          ...known,
          ...(await readNotes(client, options.schema, state.own, range.columns.length === 0 ? undefined : 'drops')),
        ]
    return {
      files: range.files,
      price,
      planHash,
      details,
      obstacles,
      unsealed,
      hasTables: state.catalog.tables.length > 0,
      refusal,
    }
  })

/**
 * Undoes the guest-chat update down to one migration, and archives all data that the older schema cannot hold.
 * First everything that can fail (archive, link, guard, validate), then the rollback files, newest first.
 */
export const rollBack = (target: ConnectionTarget, options: RollbackOptions): Promise<RollbackResult> =>
  withMigrationSession(target, 'rollback', options, async (client) => {
    const startedAt = performance.now()
    const { state, range, scripts, planHash, refusal } = await readWithLocks(client, options, () =>
      checkRollback(client, options),
    )
    if (refusal !== undefined) throw refusal
    await refuseUnlinkableGuests(client, range, options)
    await prepareOwnSchema(client, ownStatements(state.own), options)
    const undo = async (): Promise<RollbackResult> => {
      const steps: RolledBackStep[] = []
      let watch: CaptureWatch | undefined
      try {
        if (range.columns.length > 0) await openArchive(client, range.to)
        if (range.captureEnds !== undefined) {
          watch = await beginCapture(client, await readOwnState(client, options.schema), range, options)
          await prepareRollback(client, watch, range, options)
        }
        for (const script of scripts) {
          options.signal.throwIfAborted()
          steps.push(await undoMigration(client, script, steps, { ...options, range, watch }))
        }
        const archive = await sealArchive(client, { to: range.to, durationMs: performance.now() - startedAt }, options)
        return { steps, archive, durationMs: performance.now() - startedAt }
      } catch (error) {
        if (options.signal.aborted) throw interrupted(options.signal, error, steps)
        const explained = (await watch?.explain(client, error)) ?? error
        await releaseGuard(client, explained, options)
        throw await explainFailedChange(client, explained, describeState(steps), CONTINUE)
      }
    }
    return recorded(client, 'rollback', { planHash, to: range.to }, undo, async () => ({
      archivedMessages: await countArchivedMessages(client, await readArchiveObjects(client)),
    }))
  })

const describeState = (steps: readonly RolledBackStep[]): string => {
  const done = steps.length === 0 ? 'nothing was dropped' : `undone so far: ${steps.map(migrationTitle).join(', ')}`
  return `${done}; messages archived and linked so far are kept`
}

const CONTINUE = [again('', 'to finish it'), or(chatkeep('migrate', 'to return to the state before it'))]

const interrupted = (signal: AbortSignal, cause: unknown, steps: readonly RolledBackStep[]): OperatorError =>
  interruptedBy(signal, (ended) => `rollback was ${ended}`, {
    details: [`state: ${describeState(steps)}`, ...(cause instanceof OperatorError ? cause.details : [])],
    hint: CONTINUE,
    cause,
  })
