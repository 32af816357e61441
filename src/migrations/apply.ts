import type { QueryConfig, QueryResult } from 'pg'
import { migrate as runLibrary } from 'postgres-migrations'
import type { Queryable } from '../database/connection.js'
import { escapeIdentifier } from '../database/identifier.js'
import { migrationTitle, runsInTransaction, type MigrationFile } from './files.js'
import type { PlannedStep } from './plan.js'
import { recordRun, type RunAction } from './runs.js'
import { beginWithShortLocks, withShortLocks, type LockWaitOptions } from './short-lock.js'
import { toSqlFileError } from './sql-error.js'

export interface AppliedStep {
  readonly id: number
  readonly name: string
  readonly action: PlannedStep['action']
  readonly durationMs: number
}

export interface ApplyOptions extends LockWaitOptions {
  readonly folder: string
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
  const finish = async (step: PlannedStep, startedAt: number): Promise<void> => {
    const { id, name } = step.file
    const durationMs = performance.now() - startedAt
    await recordRun(client, {
      action: RUN_ACTIONS[step.action],
      migration: migrationTitle(step.file),
      durationMs,
      // So that verify can say what was changed, when the file is another one some day.
      detail: { sql: step.file.sql },
    })
    applied.push({ id, name, action: step.action, durationMs })
    options.onProgress(
      `${DONE_WORDS[step.action].padEnd(8)} ${migrationTitle(step.file)}  ${Math.round(durationMs)} ms`,
    )
  }
  for (const step of steps.filter(({ action }) => action === 'repair')) {
    options.signal.throwIfAborted()
    const startedAt = performance.now()
    await withPlace(client, step, applied, () => repair(client, step, options))
    await finish(step, startedAt)
  }
  const pending = steps.filter(({ action }) => action !== 'repair')
  if (pending.length > 0) await applyThroughLibrary(client, pending, applied, options, finish)
  return applied
}

export const DONE_WORDS: Readonly<Record<PlannedStep['action'], string>> = {
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

const repair = async (client: Queryable, step: PlannedStep, options: LockWaitOptions): Promise<void> => {
  if (runsInTransaction(step.file)) await withShortLocks(client, options, () => client.query(step.file.sql))
  else await buildIndex(client, step)
}

const buildIndex = async (client: Queryable, { file, dropIndex }: PlannedStep): Promise<QueryResult> => {
  if (dropIndex !== undefined) await client.query(`DROP INDEX CONCURRENTLY ${escapeIdentifier(dropIndex)}`)
  return client.query(file.sql)
}

const EMPTY_RESULT: QueryResult = { command: '', rowCount: 0, oid: 0, fields: [], rows: [] }

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
  finish: (step: PlannedStep, startedAt: number) => Promise<void>,
): Promise<void> => {
  const bySql = new Map(steps.map((step) => [step.file.sql, step]))
  let current: { readonly step: PlannedStep; readonly startedAt: number } | undefined
  let failure: unknown

  const execute = async (step: PlannedStep): Promise<QueryResult> => {
    if (step.action === 'record') return EMPTY_RESULT
    if (!runsInTransaction(step.file)) return buildIndex(client, step)
    // The library's transaction is open and empty; ours, with its lock time-out, takes its place.
    await client.query('ROLLBACK')
    return beginWithShortLocks(client, 'START TRANSACTION', options, () => client.query(step.file.sql))
  }

  const query = async (request: string | QueryConfig): Promise<QueryResult> => {
    const text = typeof request === 'string' ? request : request.text
    const step = typeof request === 'string' ? bySql.get(text) : undefined
    try {
      if (step !== undefined) {
        options.signal.throwIfAborted()
        current = { step, startedAt: performance.now() }
        return await withPlace(client, step, applied, () => execute(step))
      }
      const result = typeof request === 'string' ? await client.query(request) : await client.query(request)
      await finishIfLast(text)
      return result
    } catch (error) {
      failure ??= error
      throw error
    }
  }

  // The last thing the library does for a step: COMMIT, or the INSERT into the history where there is no transaction.
  const finishIfLast = async (text: string): Promise<void> => {
    if (current === undefined) return
    const { step, startedAt } = current
    const last = runsInTransaction(step.file) ? text === 'COMMIT' : text.startsWith('INSERT INTO migrations')
    if (!last) return
    current = undefined
    await finish(step, startedAt)
  }

  try {
    // The library's types ask for a whole pg client; it calls nothing but query().
    await runLibrary({ client: { query } as never }, options.folder)
  } catch (error) {
    throw failure ?? error
  }
}

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

/** What a failed step leaves behind, in a sentence. Looks, where that can be known only by looking. */
export const stateAfterFailure = async (
  client: Queryable,
  file: Pick<MigrationFile, 'sql'>,
  done: readonly { readonly id: number; readonly name: string }[],
): Promise<string> => {
  const before =
    done.length === 0 ? 'nothing was changed before it' : `done before it: ${done.map(migrationTitle).join(', ')}`
  const itself = runsInTransaction(file) ? 'this migration was rolled back' : await describeInvalidIndexes(client)
  return `state: ${itself}; ${before}; nothing after it was run`
}

const SELECT_INVALID_INDEXES = `
  SELECT i.relname AS "name"
  FROM pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
  WHERE x.indrelid = to_regclass('"ChatMessage"') AND NOT x.indisvalid
  ORDER BY i.relname`

const describeInvalidIndexes = async (client: Queryable): Promise<string> => {
  try {
    const { rows } = await client.query<{ name: string }>(SELECT_INVALID_INDEXES)
    if (rows.length === 0) return 'nothing of this migration is left'
    return `${rows.map(({ name }) => `"${name}"`).join(', ')} is left INVALID; the next migrate drops it and builds it again`
  } catch {
    // The connection is gone, so nobody can look.
    return 'an index may be left INVALID; then the next migrate drops it and builds it again'
  }
}
