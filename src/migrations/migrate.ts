import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { inTransaction } from '../database/transaction.js'
import { ExitCode, interruptedBy, OperatorError } from '../errors.js'
import { CHAT_TABLES } from '../persistence/shape.js'
import { applySteps, type AppliedStep } from './apply.js'
import { readArchiveObjects, summariseArchive, type ArchiveObjects } from './archive/archive.js'
import { runsInTransaction, type MigrationFile } from './ledger/migration-files.js'
import { blockedBy, type TableLock } from './locks/lock-modes.js'
import { readRefusals } from './plan/obstacles.js'
import { draftSteps, type ScriptForm } from './plan/draft-steps.js'
import { explainLostSession } from './running/lost-connection.js'
import { describePlan, type PlanDetails } from './plan/describe-plan.js'
import { planHash, refuseOtherPlan } from './plan/plan-hash.js'
import { planMigrations, type MigrationPlan, type PlannedStep } from './plan/plan.js'
import { readMigrationState, type MigrationState } from './ledger/migration-state.js'
import { returnKeysBefore } from './restore/return-keys.js'
import { clearRollbackLeftovers, restoreArchive, type Restored } from './restore/restore.js'
import { ensureRunsTable, recorded } from './ledger/runs.js'
import { renderScript } from './script/script.js'
import { withMigrationPreview, withMigrationSession, type MigrationOptions, type PreviewOptions } from './session.js'
import { checkPrivileges } from './ledger/privileges.js'

/** What a migrate would do, and on what. */
export interface MigratePreview {
  readonly serverVersion: string
  readonly plan: MigrationPlan
  /** Names the state that the plan was made for. */
  readonly planHash: string
  /** What it costs, statement by statement; only when nothing but a look was asked for. */
  readonly details: PlanDetails | undefined
  /** Messages whose guest data an earlier rollback archived; migrate puts them back. */
  readonly archivedMessages: number
}

/** Whether there is anything to do: a pending step, or archived guest data to put back. */
export const needsWork = ({ plan, archivedMessages }: MigratePreview): boolean =>
  plan.steps.length > 0 || archivedMessages > 0

export interface MigrateScript {
  readonly sql: string
  readonly planHash: string
}

export interface MigrateResult {
  readonly steps: readonly AppliedStep[]
  readonly alreadyDone: number
  readonly restored: Restored | undefined
  readonly durationMs: number
}

/** Makes the plan. It may be read while somebody else migrates: it waits for no lock. */
export const previewMigrate = (target: ConnectionTarget, options: PreviewOptions): Promise<MigratePreview> =>
  withMigrationPreview(target, 'migrate', options, async (client) => {
    const { rows } = await client.query<{ version: string }>(SELECT_VERSION)
    const { state, plan, archive, hash } = await readPlan(client, options)
    return {
      serverVersion: rows[0]?.version ?? 'unknown',
      plan,
      planHash: hash,
      details: options.dryRun
        ? await describePlan(client, options.schema, state.catalog, await draftSteps(plan.steps))
        : undefined,
      archivedMessages: archive.archive ? (await summariseArchive(client)).messages : 0,
    }
  })

/** Makes the plan as one script for psql or an editor in a browser. Changes nothing. */
export const scriptMigrate = (
  target: ConnectionTarget,
  form: ScriptForm,
  options: PreviewOptions,
): Promise<MigrateScript> =>
  withMigrationPreview(target, 'migrate', options, async (client) => {
    const { state, plan, archive, hash } = await readPlan(client, options)
    const drafts = await draftSteps(plan.steps, form)
    const details = await describePlan(client, options.schema, state.catalog, drafts)
    const existing = (lock: TableLock): boolean => state.catalog.tables.includes(lock.table)
    const sql = renderScript({
      form,
      database: target.database,
      schema: options.schema,
      planHash: hash,
      files: state.files,
      steps: plan.steps,
      drafts,
      leftovers: archive,
      archivedMessages: archive.archive ? (await summariseArchive(client)).messages : 0,
      blocks: blockedBy(
        details.steps.flatMap(({ statements }) => statements.flatMap(({ locks }) => locks.filter(existing))),
      ),
      estimatedMs: details.estimatedMs,
    })
    return { sql, planHash: hash }
  })

interface ReadPlan {
  readonly state: MigrationState
  readonly plan: MigrationPlan
  /** What an earlier rollback left. */
  readonly archive: ArchiveObjects
  readonly hash: string
}

/** @throws OperatorError `plan_changed` (exit 5) when it is not the plan that was agreed to */
const readPlan = async (
  client: Queryable,
  { schema, folder, planHash: agreed }: Pick<MigrationOptions, 'schema' | 'folder' | 'planHash'>,
): Promise<ReadPlan> => {
  const state = await readMigrationState(client, schema, folder)
  const plan = planMigrations(state)
  const archive = await readArchiveObjects(client)
  const hash = planHash({ command: 'migrate', state, archive })
  refuseOtherPlan(agreed, hash, 'migrate')
  return { state, plan, archive, hash }
}

const SELECT_VERSION = `SELECT split_part(current_setting('server_version'), ' ', 1) AS "version"`

/**
 * Brings the database to the newest migration and puts back what an earlier rollback archived.
 * @param agreed the plan that somebody said yes to; nothing else is done. Undefined where nobody was asked
 */
export const migrate = (
  target: ConnectionTarget,
  agreed: MigrationPlan | undefined,
  options: MigrationOptions,
): Promise<MigrateResult> =>
  withMigrationSession(target, 'migrate', options, async (client) => {
    const startedAt = performance.now()
    const { state, plan, archive, hash } = await readPlan(client, options)
    if (agreed !== undefined && !isWithin(plan, agreed)) throw planChanged()
    const untouched = plan.steps.length === 0 && !Object.values(archive).includes(true)
    if (untouched)
      return { steps: [], alreadyDone: plan.done, restored: undefined, durationMs: performance.now() - startedAt }
    await checkPrivileges(client, options.schema)
    await refuseImpossible(client, options.schema, plan)
    await ensureRunsTable(client)
    return recorded(client, 'migrate', { planHash: hash }, async () => {
      try {
        if (await clearRollbackLeftovers(client, options))
          options.onEvent({ type: 'note', text: 'removed what an interrupted rollback had left' })
        if (state.history.state === 'absent') await createHistory(client, state.files)
        const beforeStep = (step: PlannedStep): Promise<void> => returnKeysBefore(client, step, options)
        const steps = await applySteps(client, plan.steps, { ...options, beforeStep })
        const restored = await restoreArchive(client, options)
        return { steps, alreadyDone: plan.done, restored, durationMs: performance.now() - startedAt }
      } catch (error) {
        throw options.signal.aborted
          ? interrupted(options.signal, error)
          : explainLostSession(error, 'what was finished stays', GO_ON)
      }
    })
  })

// Somebody else may have done a part of it meanwhile, or all.
const isWithin = (plan: MigrationPlan, agreed: MigrationPlan): boolean => {
  const known = new Set(agreed.steps.map(describeStep))
  return plan.steps.every((step) => known.has(describeStep(step)))
}

const describeStep = ({ file, action, reason }: PlannedStep): string =>
  JSON.stringify([file.id, file.hash, action, reason])

// Better now than at the third migration.
const refuseImpossible = async (client: Queryable, schema: string, { steps }: MigrationPlan): Promise<void> => {
  const concurrent = steps.some(({ file, action }) => action !== 'record' && !runsInTransaction(file))
  if (!concurrent) return
  const obstacles = await readRefusals(client, { schema, tables: [], concurrentTables: CHAT_TABLES })
  if (obstacles.length === 0) return
  throw new OperatorError('cannot_migrate', 'this database cannot be migrated as it is; nothing was changed', {
    exitCode: ExitCode.refused,
    details: obstacles.map(({ text }) => text),
    hint: 'look at the whole plan: chatkeep migrate --dry-run',
  })
}

const planChanged = (): OperatorError =>
  new OperatorError('plan_changed', 'the database changed after the plan was shown; nothing was done', {
    exitCode: ExitCode.refused,
    hint: 'look at the new plan: chatkeep migrate --dry-run',
  })

const GO_ON = 'run chatkeep migrate again: it goes on where it stopped'

const interrupted = (signal: AbortSignal, cause: unknown): OperatorError => {
  const state = cause instanceof OperatorError ? cause.details.filter((line) => line.startsWith('state: ')) : []
  return interruptedBy(signal, (ended) => `migrate was ${ended}; what was finished stays`, {
    details: state,
    hint: GO_ON,
    cause,
  })
}

/**
 * Creates the table `migrations` in our schema exactly as postgres-migrations would, with its row 0. Done by us because
 * the library takes a table of that name in any other schema for its own.
 */
const createHistory = async (client: Queryable, [first]: readonly MigrationFile[]): Promise<void> => {
  if (first === undefined) return
  await inTransaction(client, async () => {
    await client.query(first.sql)
    await client.query('INSERT INTO "migrations" ("id", "name", "hash") VALUES ($1, $2, $3)', [
      first.id,
      first.name,
      first.hash,
    ])
  })
}
