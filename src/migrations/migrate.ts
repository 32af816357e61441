import type { Client } from 'pg'
import type { ConnectionTarget } from '../database/connection-target.js'
import { inTransaction } from '../database/transaction.js'
import { ExitCode, interruptedBy, OperatorError } from '../errors.js'
import { applySteps, type AppliedStep } from './apply.js'
import { readArchiveObjects, summariseArchive } from './archive.js'
import type { MigrationFile } from './files.js'
import { explainLostSession } from './lost-connection.js'
import { planMigrations, type MigrationPlan } from './plan.js'
import { checkPrivileges, readMigrationState } from './read-state.js'
import { clearRollbackLeftovers, restoreArchive, type Restored } from './restore.js'
import { ensureRunsTable } from './runs.js'
import { withMigrationPreview, withMigrationSession, type MigrationOptions, type PreviewOptions } from './session.js'

/** What a migrate would do, and on what. */
export interface MigratePreview {
  readonly serverVersion: string
  readonly plan: MigrationPlan
  /** Messages whose guest data an earlier rollback archived; migrate puts them back. */
  readonly archivedMessages: number
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
    const plan = planMigrations(await readMigrationState(client, options.schema, options.folder))
    const { archive } = await readArchiveObjects(client)
    const archivedMessages = archive ? (await summariseArchive(client)).messages : 0
    return { serverVersion: rows[0]?.version ?? 'unknown', plan, archivedMessages }
  })

const SELECT_VERSION = `SELECT split_part(current_setting('server_version'), ' ', 1) AS "version"`

/**
 * Brings the database to the newest migration and puts back what an earlier rollback archived.
 * @param agreed the plan that was shown; when the database moved since, nothing is done
 */
export const migrate = (
  target: ConnectionTarget,
  agreed: MigrationPlan,
  options: MigrationOptions,
): Promise<MigrateResult> =>
  withMigrationSession(target, 'migrate', options, async (client) => {
    const startedAt = performance.now()
    const state = await readMigrationState(client, options.schema, options.folder)
    const plan = planMigrations(state)
    if (describePlan(plan) !== describePlan(agreed)) throw planChanged()
    const leftovers = await readArchiveObjects(client)
    const untouched = plan.steps.length === 0 && !Object.values(leftovers).includes(true)
    if (untouched)
      return { steps: [], alreadyDone: plan.done, restored: undefined, durationMs: performance.now() - startedAt }
    await checkPrivileges(client, options.schema)
    const steps: AppliedStep[] = []
    try {
      if (await clearRollbackLeftovers(client, options))
        options.onProgress('removed what an interrupted rollback had left')
      if (state.history.state === 'absent') await createHistory(client, state.files)
      await ensureRunsTable(client)
      steps.push(...(await applySteps(client, plan.steps, options)))
      const restored = await restoreArchive(client, options)
      return { steps, alreadyDone: plan.done, restored, durationMs: performance.now() - startedAt }
    } catch (error) {
      throw options.signal.aborted
        ? interrupted(options.signal, error)
        : explainLostSession(
            error,
            'what was finished stays',
            'run chatkeep migrate again: it goes on where it stopped',
          )
    }
  })

const describePlan = ({ steps }: MigrationPlan): string =>
  JSON.stringify(steps.map(({ file, action, reason }) => [file.id, file.hash, action, reason]))

const planChanged = (): OperatorError =>
  new OperatorError('plan_changed', 'the database changed after the plan was shown; nothing was done', {
    exitCode: ExitCode.refused,
    hint: 'look at the new plan: chatkeep migrate --dry-run',
  })

const interrupted = (signal: AbortSignal, cause: unknown): OperatorError => {
  const state = cause instanceof OperatorError ? cause.details.filter((line) => line.startsWith('state: ')) : []
  return interruptedBy(signal, (ended) => `migrate was ${ended}; what was finished stays`, {
    details: state,
    hint: 'run chatkeep migrate again: it goes on where it stopped',
    cause,
  })
}

/**
 * Creates the table `migrations` in our schema exactly as postgres-migrations would, with its row 0. Done by us because
 * the library takes a table of that name in any other schema for its own.
 */
const createHistory = async (client: Client, [first]: readonly MigrationFile[]): Promise<void> => {
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
