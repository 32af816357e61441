import type { QueryConfig, QueryResult } from 'pg'
import { migrate as runLibrary } from 'postgres-migrations'
import type { Queryable } from '../database/connection.js'
import { escapeIdentifier } from '../database/identifier.js'
import { inTransaction } from '../database/transaction.js'
import { migrationTitle, runsInTransaction } from './ledger/migration-files.js'
import type { PlannedStep } from './plan/plan.js'
import { recordRun, type RunAction } from './ledger/runs.js'
import { beginWithShortLocks, withShortLocks, type LockWaitOptions } from './running/short-lock.js'
import { NO_RESULT, runStatements } from './running/run-statements.js'
import { toSqlFileError } from './running/sql-error.js'
import { stateAfterFailure } from './running/state-after-failure.js'

export interface AppliedStep {
  readonly id: number
  readonly name: string
  readonly action: PlannedStep['action']
  readonly durationMs: number
}

export interface ApplyOptions extends LockWaitOptions {
  readonly folder: string
  /** What has to be done before a step that runs outside of transactions. */
  readonly beforeStep: (step: PlannedStep) => Promise<void>
}

/**
 * Carries out the steps: repairs by ourselves, everything that changes the history through postgres-migrations.
 * @throws OperatorError with file, line and column when a statement fails; what was done before stays done
 */
export const applySteps = async (
  client: Queryable,
  steps: readonly PlannedStep[],
  options: ApplyOptions,
): Promise<readonly AppliedStep[]> => {
  const applied: AppliedStep[] = []
  const onDone = (step: AppliedStep): void => {
    applied.push(step)
    const { action, durationMs } = step
    options.onEvent({ type: 'done', migration: migrationTitle(step), action: DONE_WORDS[action], durationMs })
  }
  for (const step of steps.filter(({ action }) => action === 'repair')) {
    options.signal.throwIfAborted()
    if (!runsInTransaction(step.file)) await options.beforeStep(step)
    const startedAt = performance.now()
    onDone(await withPlace(client, step, applied, () => repair(client, step, startedAt, options)))
  }
  const pending = steps.filter(({ action }) => action !== 'repair')
  if (pending.length > 0) await applyThroughLibrary(client, pending, applied, options, onDone)
  return applied
}

/** Writes down what was done, in the transaction that does it where there is one. */
const record = async (client: Queryable, { file, action }: PlannedStep, startedAt: number): Promise<AppliedStep> => {
  const durationMs = Math.round(performance.now() - startedAt)
  await recordRun(client, {
    action: RUN_ACTIONS[action],
    migration: migrationTitle(file),
    durationMs,
    // A file that is changed later can be compared with what was applied.
    detail: { sql: file.sql },
  })
  return { id: file.id, name: file.name, action, durationMs }
}

const DONE_WORDS: Readonly<Record<PlannedStep['action'], string>> = {
  run: 'applied',
  record: 'recorded',
  rebuild: 'rebuilt',
  repair: 'repaired',
}

const RUN_ACTIONS: Readonly<Record<PlannedStep['action'], RunAction>> = {
  run: 'apply',
  record: 'record',
  rebuild: 'apply',
  repair: 'repair',
}

const repair = async (
  client: Queryable,
  step: PlannedStep,
  startedAt: number,
  options: LockWaitOptions,
): Promise<AppliedStep> => {
  if (!runsInTransaction(step.file)) {
    await buildIndex(client, step)
    return record(client, step, startedAt)
  }
  return withShortLocks(client, options, async () => {
    await runStatements(client, step.file.sql)
    return record(client, step, startedAt)
  })
}

const buildIndex = async (client: Queryable, { file, dropIndex }: PlannedStep): Promise<QueryResult> => {
  if (dropIndex !== undefined) await client.query(`DROP INDEX CONCURRENTLY ${escapeIdentifier(dropIndex)}`)
  return runStatements(client, file.sql)
}

/**
 * Lets postgres-migrations run on a facade of our client. The library sends each file as one query, so the facade knows
 * which step it is at: it skips what is only to be recorded, retries what could not get its lock, and keeps the true
 * error, of which the library passes on only the text.
 */
const applyThroughLibrary = async (
  client: Queryable,
  steps: readonly PlannedStep[],
  applied: readonly AppliedStep[],
  options: ApplyOptions,
  onDone: (step: AppliedStep) => void,
): Promise<void> => {
  const bySql = new Map(steps.map((step) => [step.file.sql, step]))
  let current: Running | undefined
  let failure: unknown

  const execute = async (step: PlannedStep): Promise<QueryResult> => {
    if (step.action === 'record') return NO_RESULT
    if (!runsInTransaction(step.file)) return buildIndex(client, step)
    // The library's transaction is open and empty; ours, with its lock time-out, takes its place.
    await client.query('ROLLBACK')
    return beginWithShortLocks(client, 'START TRANSACTION', options, () => runStatements(client, step.file.sql))
  }

  const query = async (request: string | QueryConfig): Promise<QueryResult> => {
    const text = typeof request === 'string' ? request : request.text
    const step = typeof request === 'string' ? bySql.get(text) : undefined
    try {
      if (step !== undefined) {
        options.signal.throwIfAborted()
        // Files that run in a transaction have the library's around them by now.
        if (!runsInTransaction(step.file)) await options.beforeStep(step)
        current = { step, startedAt: performance.now() }
        return await withPlace(client, step, applied, () => execute(step))
      }
      const send = (): Promise<QueryResult> =>
        typeof request === 'string' ? client.query(request) : client.query(request)
      return current !== undefined && isLast(current.step, text) ? await finish(current, send) : await send()
    } catch (error) {
      failure ??= error
      throw error
    }
  }

  // Together with the library's last statement for the step: after a cut the history and the runs know the same.
  const finish = async ({ step, startedAt }: Running, send: () => Promise<QueryResult>): Promise<QueryResult> => {
    current = undefined
    const both = async (): Promise<[AppliedStep, QueryResult]> => [await record(client, step, startedAt), await send()]
    const [done, result] = runsInTransaction(step.file) ? await both() : await inTransaction(client, both)
    onDone(done)
    return result
  }

  try {
    // The library's types ask for a whole pg client; it calls nothing but query().
    await runLibrary({ client: { query } as never }, options.folder)
  } catch (error) {
    throw failure ?? error
  }
}

interface Running {
  readonly step: PlannedStep
  readonly startedAt: number
}

// Where there is no transaction, the library ends with its row of the history.
const isLast = ({ file }: PlannedStep, text: string): boolean =>
  runsInTransaction(file) ? text === 'COMMIT' : text.startsWith('INSERT INTO migrations')

const withPlace = async <T>(
  client: Queryable,
  step: PlannedStep,
  applied: readonly AppliedStep[],
  work: () => Promise<T>,
): Promise<T> => {
  const { file } = step
  try {
    return await work()
  } catch (error) {
    const state = await stateAfterFailure(client, file, applied)
    throw toSqlFileError(error, `migrations/${file.fileName}`, file.sql, state, HINT)
  }
}

const HINT =
  'mend the cause and run chatkeep migrate again: it goes on where it stopped, and chatkeep verify says where that is'
