import type { OwnClient } from './own/own-client.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { interruptedBy, type OperatorError } from '../errors.js'
import { readArchiveObjects, type ArchiveObjects, type ArchiveSummary } from './archive/archive.js'
import { releaseGuard, type CaptureWatch } from './archive/missed-writes.js'
import { isArchiveOpen, openArchive, refuseNarrower, sealArchive } from './archive/seal.js'
import {
  migrationTitle,
  readRollbackScripts,
  type MigrationFile,
  type RollbackScript,
} from './ledger/migration-files.js'
import { readMigrationState, type MigrationState } from './ledger/migration-state.js'
import { checkPrivileges } from './ledger/privileges.js'
import { rollbackRange, type RollbackRange } from './ledger/rollback-range.js'
import { recorded } from './ledger/runs.js'
import { prepareOwnSchema } from './prepare-own-schema.js'
import { readOwnState } from './own/own-state.js'
import { ownStatements } from './own/own-statements.js'
import type { PlanDetails } from './plan/describe-plan.js'
import { connectionNotes, readNotes } from './plan/notes.js'
import { refuseChangedPlan } from './plan/plan-hash.js'
import type { Obstacle } from './plan/obstacle.js'
import { readPriceTag, type PriceTag } from './plan/price-tag.js'
import { readRollbackObstacles, refuseRollbackObstacles } from './plan/rollback-obstacles.js'
import { describeRollback, rollbackPlanHash } from './plan/rollback-plan.js'
import {
  beginCapture,
  prepareRollback,
  refuseImpossible,
  type RollbackChoice,
  type RollbackOptions,
} from './prepare-rollback.js'
import { explainLostSession } from './running/lost-connection.js'
import { withMigrationPreview, withMigrationSession, type PreviewOptions } from './session.js'
import { undoMigration, type RolledBackStep } from './undo.js'
import { again, chatkeep, or } from '../next-step.js'
import { readDatabaseIdentity } from './plan/database-identity.js'

export interface RollbackPreview {
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
    const { state, range, scripts, archive, planHash } = await readRollback(client, options)
    await refuseNarrower(client, range)
    const price = await readPriceTag(client, state.catalog, range)
    const inUse = await readRollbackObstacles(client, { schema: options.schema, state, scripts, range })
    if (!options.dryRun) refuseRollbackObstacles(inUse)
    const known = [...inUse, ...connectionNotes(target)]
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
    const unsealed = range.files.length === 0 && (await isArchiveOpen(client))
    return { files: range.files, price, planHash, details, obstacles, unsealed }
  })

/**
 * Undoes the guest-chat update down to one migration, and archives all data that the older schema cannot hold.
 * First everything that can fail (archive, link, guard, validate), then the rollback files, newest first.
 */
export const rollBack = (target: ConnectionTarget, options: RollbackOptions): Promise<RollbackResult> =>
  withMigrationSession(target, 'rollback', options, async (client) => {
    const startedAt = performance.now()
    const { state, range, scripts, planHash } = await readRollback(client, options)
    await checkPrivileges(client, options.schema, state.own)
    await refuseNarrower(client, range)
    refuseRollbackObstacles(await readRollbackObstacles(client, { schema: options.schema, state, scripts, range }))
    const price = await readPriceTag(client, state.catalog, range)
    await refuseImpossible(client, range, price, options)
    await prepareOwnSchema(client, ownStatements(state.own), options)
    return recorded(client, 'rollback', { planHash, to: range.to }, async () => {
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
        const archive = await sealArchive(client, range.to, performance.now() - startedAt)
        return { steps, archive, durationMs: performance.now() - startedAt }
      } catch (error) {
        if (options.signal.aborted) throw interrupted(options.signal, error, steps)
        const explained = (await watch?.explain(client, error)) ?? error
        await releaseGuard(client, explained, options)
        throw explainLostSession(explained, describeState(steps), CONTINUE)
      }
    })
  })

interface ReadRollback {
  readonly state: MigrationState
  readonly range: RollbackRange
  readonly scripts: readonly RollbackScript[]
  readonly archive: ArchiveObjects
  readonly planHash: string
}

/** @throws OperatorError `plan_changed` (exit 5) when the plan is not the approved one */
const readRollback = async (
  client: OwnClient,
  { schema, folder, to, onOrphans, planHash: approved }: RollbackOptions,
): Promise<ReadRollback> => {
  const state = await readMigrationState(client, schema, folder)
  const range = rollbackRange(state, to)
  const scripts = await readRollbackScripts(folder, range.files)
  const archive = await readArchiveObjects(client)
  const identity = await readDatabaseIdentity(client, schema)
  const planHash = rollbackPlanHash(identity, state, archive, scripts, onOrphans)
  refuseChangedPlan(approved, planHash, 'rollback')
  return { state, range, scripts, archive, planHash }
}

const describeState = (steps: readonly RolledBackStep[]): string => {
  const done = steps.length === 0 ? 'nothing was dropped' : `undone so far: ${steps.map(migrationTitle).join(', ')}`
  return `${done}; messages archived and linked so far are kept`
}

const CONTINUE = [again('', 'to finish it'), or(chatkeep('migrate', 'to return to the state before it'))]

const interrupted = (signal: AbortSignal, cause: unknown, steps: readonly RolledBackStep[]): OperatorError =>
  interruptedBy(signal, (ended) => `rollback was ${ended}`, {
    details: [`state: ${describeState(steps)}`],
    hint: CONTINUE,
    cause,
  })
