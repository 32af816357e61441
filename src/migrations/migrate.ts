import { describeAddress, type ConnectionTarget } from '../database/connection-target.js'
import { ExitCode, interruptedBy, OperatorError } from '../errors.js'
import { CHAT_TABLES } from '../persistence/shape.js'
import { applySteps } from './apply.js'
import type { OwnClient } from './own/own-client.js'
import type { AppliedStep } from './step.js'
import { countArchivedMessages } from './archive/archive.js'
import { runsInTransaction } from './ledger/migration-files.js'
import { checkPrivileges } from './ledger/privileges.js'
import { recorded } from './ledger/runs.js'
import { prepareOwnSchema } from './prepare-own-schema.js'
import { describePlan, type PlanDetails } from './plan/describe-plan.js'
import { draftPlan, ownSchemaTitle } from './plan/draft-plan.js'
import { isWithin, type MigrationPlan, type PlannedStep } from './plan/plan.js'
import { readMigrateObstacles } from './plan/migrate-obstacles.js'
import type { Obstacle } from './plan/obstacle.js'
import { connectionNotes, readNotes } from './plan/notes.js'
import { columnChange } from './plan/publications.js'
import { readPlan } from './plan/read-plan.js'
import { readRefusals } from './plan/refusals.js'
import { clearRollbackLeftovers, restoreArchive, type Restored } from './restore/restore.js'
import { returnKeysBefore } from './restore/return-keys.js'
import { explainLostSession } from './running/lost-connection.js'
import { withMigrationPreview, withMigrationSession, type MigrationOptions, type PreviewOptions } from './session.js'
import { again, chatkeep, toSteps } from '../next-step.js'
import { tableObstacles } from './plan/table-obstacles.js'

/** What a migrate would do, and the server it would run on. */
export interface MigratePreview {
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
    const { state, plan, archive, hash } = await readPlan(client, options)
    const drafts = await draftPlan(plan, client.own)
    const found = [
      ...tableObstacles(plan, describeAddress(target), options),
      ...(await readMigrateObstacles(client, { schema: options.schema, drafts, restores: archive.archive })),
    ]
    if (!options.dryRun) await refuseImpossible(client, options.schema, plan, found)
    const obstacles = [...found, ...connectionNotes(target)]
    return {
      serverVersion: rows[0]?.version ?? 'unknown',
      plan,
      ownTitle: ownSchemaTitle(client.own),
      planHash: hash,
      details:
        options.dryRun || options.verbose === true
          ? await describePlan(client, options.schema, state, drafts, { obstacles })
          : undefined,
      obstacles: options.dryRun
        ? []
        : [...obstacles, ...(await readNotes(client, options.schema, state.own, columnChange(drafts)))],
      archivedMessages: await countArchivedMessages(client, archive),
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
    const { state, plan, archive, hash } = await readPlan(client, options)
    if (approved !== undefined && !isWithin(plan, approved)) throw planChanged()
    const isUpToDate = plan.steps.length === 0 && plan.own.length === 0 && !Object.values(archive).includes(true)
    if (isUpToDate)
      return {
        ownSchema: null,
        steps: [],
        alreadyDone: plan.done,
        restored: undefined,
        durationMs: performance.now() - startedAt,
      }
    await checkPrivileges(client, options.schema, state.own)
    const drafts = await draftPlan(plan, client.own)
    const found = [
      ...tableObstacles(plan, describeAddress(target), options),
      ...(await readMigrateObstacles(client, { schema: options.schema, drafts, restores: archive.archive })),
    ]
    await refuseImpossible(client, options.schema, plan, found)
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
          : explainLostSession(error, 'completed migrations are kept', CONTINUE)
      }
    })
  })

// Checked before the first statement, not at the third migration.
const refuseImpossible = async (
  client: OwnClient,
  schema: string,
  plan: MigrationPlan,
  found: readonly Obstacle[],
): Promise<void> => {
  const concurrent = plan.steps.some(({ file, action }) => action !== 'record' && !runsInTransaction(file))
  const all = [...(concurrent ? await readRefusals(client, { schema, concurrentTables: CHAT_TABLES }) : []), ...found]
  const obstacles = all.filter(({ effect }) => effect === 'refused')
  if (obstacles.length === 0) return
  throw new OperatorError('cannot_migrate', 'this database cannot be migrated as it is; nothing was changed', {
    exitCode: ExitCode.refused,
    details: obstacles.map(({ text }) => text),
    hint: [...obstacles.flatMap(({ next }) => toSteps(next)), chatkeep('migrate --dry-run', 'see the full plan')],
  })
}

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
