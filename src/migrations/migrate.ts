import type { ConnectionTarget } from '../database/connection-target.js'
import { readWithLocks } from '../database/waiting/lock-attempts.js'
import { ExitCode, interruptedBy, OperatorError } from '../errors.js'
import { applySteps } from './apply.js'
import { countArchivedMessages } from './archive/archive.js'
import { checkMigrate } from './check-migrate.js'
import { recorded } from './ledger/runs.js'
import { describePlan, type PlanDetails } from './plan/describe-plan.js'
import { ownSchemaTitle } from './plan/draft-plan.js'
import { connectionNotes, encodingNotes, readNotes } from './plan/notes.js'
import type { Obstacle } from './plan/obstacle.js'
import { isWithin, type MigrationPlan, type PlannedStep } from './plan/plan.js'
import { columnChange } from './plan/publications.js'
import { prepareOwnSchema } from './prepare-own-schema.js'
import { withMigrationPreview, withRefusal, type Checked, type PreviewOptions } from './preview.js'
import { clearRollbackLeftovers, restoreArchive, type Restored } from './restore/restore.js'
import { returnKeysBefore } from './restore/return-keys.js'
import { explainFailedChange } from './running/lost-connection.js'
import { withMigrationSession, type MigrationOptions } from './session.js'
import type { AppliedStep } from './step.js'
import { again, chatkeep } from '../next-step.js'

/** What a migrate would do, and the server it would run on. */
export interface MigratePreview extends Checked {
  readonly serverVersion: string
  readonly plan: MigrationPlan
  /** Title of the step on chatkeep's own schema. */
  readonly ownTitle: string
  /** Identifies the state that the plan was made from. */
  readonly planHash: string
  /** Locks and estimates of each statement; only with `dryRun` and `verbose`. */
  readonly details: PlanDetails | undefined
  /** What the reader should know before the question; with `dryRun`, the details have it. */
  readonly obstacles: readonly Obstacle[]
  /** Messages whose guest data an earlier rollback archived; migrate restores them. */
  readonly archivedMessages: number
}

/** Whether there is anything to do: a pending step, or archived guest data to restore. */
export const needsWork = ({ plan, archivedMessages }: MigratePreview): boolean =>
  plan.steps.length > 0 || plan.own.length > 0 || archivedMessages > 0

export interface MigrateResult {
  /** What happened to chatkeep's own schema; null if nothing was missing there. */
  readonly ownSchema: { readonly title: string; readonly created: boolean } | null
  readonly steps: readonly AppliedStep[]
  readonly alreadyDone: number
  readonly restored: Restored | undefined
  readonly durationMs: number
}

/** Plans a migrate. Takes no migration lock, so it also works while another migration runs. */
export const previewMigrate = (target: ConnectionTarget, options: PreviewOptions): Promise<MigratePreview> =>
  withMigrationPreview(target, 'migrate', options, async (client) => {
    const { rows } = await client.query<{ version: string }>(SELECT_VERSION)
    const checked = await checkMigrate(client, target, options)
    const { state, plan, archive, hash, drafts, refusal } = checked
    const obstacles = [...checked.obstacles, ...connectionNotes(target), ...(await encodingNotes(client))]
    return {
      refusal,
      serverVersion: rows[0]?.version ?? 'unknown',
      plan,
      ownTitle: ownSchemaTitle(client.own),
      planHash: hash,
      details:
        options.dryRun || options.verbose === true
          ? await describePlan(client, options.schema, state, drafts, {
              obstacles,
              maxLagMs: options.replicas.maxLagMs,
            })
          : undefined,
      obstacles: options.dryRun
        ? []
        : [...obstacles, ...(await readNotes(client, options.schema, state.own, columnChange(drafts)))],
      archivedMessages: await withRefusal(refusal, () => countArchivedMessages(client, archive)),
    }
  })

const SELECT_VERSION = `SELECT split_part(current_setting('server_version'), ' ', 1) AS "version"`

/**
 * Brings the database to the newest migration and restores what an earlier rollback archived.
 * @param approved the plan that was confirmed; steps outside it are refused. Undefined without a confirmation
 */
export const migrate = (
  target: ConnectionTarget,
  approved: MigrationPlan | undefined,
  options: MigrationOptions,
): Promise<MigrateResult> =>
  withMigrationSession(target, 'migrate', options, async (client) => {
    const startedAt = performance.now()
    const { state, plan, hash, isUpToDate, refusal } = await readWithLocks(client, options, () =>
      checkMigrate(client, target, options),
    )
    if (approved !== undefined && !isWithin(plan, approved)) throw planChanged()
    if (refusal !== undefined) throw refusal
    if (isUpToDate) {
      // A run that was cut may have left what no standby has yet.
      await client.confirm()
      return {
        ownSchema: null,
        steps: [],
        alreadyDone: plan.done,
        restored: undefined,
        durationMs: performance.now() - startedAt,
      }
    }
    await prepareOwnSchema(client, plan.own, options)
    return recorded(client, 'migrate', { planHash: hash }, async () => {
      try {
        if (await clearRollbackLeftovers(client, options))
          options.onEvent({ type: 'note', text: 'removed leftovers of an interrupted rollback' })
        const beforeStep = (step: PlannedStep): Promise<void> => returnKeysBefore(client, step, options)
        const steps = await applySteps(client, plan.steps, { ...options, beforeStep })
        const restored = await restoreArchive(client, options)
        const ownSchema =
          plan.own.length === 0 ? null : { title: ownSchemaTitle(client.own), created: state.own.found === undefined }
        return { ownSchema, steps, alreadyDone: plan.done, restored, durationMs: performance.now() - startedAt }
      } catch (error) {
        throw options.signal.aborted
          ? interrupted(options.signal, error)
          : await explainFailedChange(client, error, 'completed migrations are kept', CONTINUE)
      }
    })
  })

const planChanged = (): OperatorError =>
  new OperatorError('plan_changed', 'the database changed after the plan was shown; nothing was applied', {
    exitCode: ExitCode.refused,
    hint: chatkeep('migrate --dry-run', 'see the new plan'),
  })

const CONTINUE = again('', 'it continues where it stopped')

const interrupted = (signal: AbortSignal, cause: unknown): OperatorError => {
  const state = cause instanceof OperatorError ? cause.details.filter((line) => line.startsWith('state: ')) : []
  return interruptedBy(signal, (ended) => `migrate was ${ended}; completed migrations are kept`, {
    details: state,
    hint: CONTINUE,
    cause,
  })
}
