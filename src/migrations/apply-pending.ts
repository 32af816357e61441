import type { QueryConfig, QueryResult } from 'pg'
import { migrate as runLibrary } from 'postgres-migrations'
import { COMMIT_LOCALLY } from '../database/durability/commit-locally.js'
import type { OwnClient, RunClient } from './own/own-client.js'
import type { OwnNames } from '../persistence/own-names.js'
import { inTransaction } from '../database/transaction.js'
import { migrationTitle, runsInTransaction } from './ledger/migration-files.js'
import type { PlannedStep } from './plan/plan.js'
import { runFile } from './run-file.js'
import { NO_RESULT } from './running/run-statements.js'
import { beginWithShortLocks } from '../database/waiting/lock-attempts.js'
import { explainFailure, rebuildIndex, recordStep, type AppliedStep, type ApplyOptions } from './step.js'

/** A step that has begun. */
interface Running {
  readonly step: PlannedStep
  readonly startedAt: number
}

/**
 * Applies pending migrations through postgres-migrations, on a facade of our client. The library sends each file as one
 * query, so the facade recognises the step: it skips a step that is only recorded, retries one that did not get its lock,
 * and keeps the original error, of which the library passes on only the message.
 */
export const applyPending = async (
  client: RunClient,
  steps: readonly PlannedStep[],
  applied: readonly AppliedStep[],
  options: ApplyOptions,
  onDone: (step: AppliedStep) => void,
): Promise<void> => {
  const bySql = new Map(steps.map((step) => [step.file.sql, step]))
  let running: Running | undefined
  let failure: unknown

  const query = async (request: string | QueryConfig): Promise<QueryResult> => {
    const text = typeof request === 'string' ? request : request.text
    const step = typeof request === 'string' ? bySql.get(text) : undefined
    try {
      if (step !== undefined) return await begin(step)
      const send = (): Promise<QueryResult> =>
        typeof request === 'string'
          ? client.query(inOwnSchema(request, client.own))
          : client.query({ ...request, text: inOwnSchema(text, client.own) })
      return running !== undefined && isLast(running.step, text) ? await finish(running, send) : await send()
    } catch (error) {
      failure ??= error
      throw error
    }
  }

  const begin = async (step: PlannedStep): Promise<QueryResult> => {
    options.signal.throwIfAborted()
    // A file that runs in a transaction is already inside the library's.
    if (!runsInTransaction(step.file)) await options.beforeStep(step)
    running = { step, startedAt: performance.now() }
    return explainFailure(client, step, applied, () => execute(client, step, options))
  }

  // In one transaction with the library's last statement for the step, so history and runs agree after a cut.
  const finish = async ({ step, startedAt }: Running, send: () => Promise<QueryResult>): Promise<QueryResult> => {
    running = undefined
    const both = async (): Promise<[AppliedStep, QueryResult]> => [
      await recordStep(client, step, startedAt),
      await send(),
    ]
    const [done, result] = runsInTransaction(step.file) ? await both() : await inTransaction(client, both)
    await client.confirm()
    onDone(done)
    return result
  }

  try {
    // The library's type asks for a whole pg client, but it calls only query().
    await runLibrary({ client: { query } as never }, options.folder)
  } catch (error) {
    throw failure ?? error
  }
}

// The library knows only the name of its table, not a schema.
const inOwnSchema = (sql: string, { migrations }: OwnNames): string =>
  sql.replace(/^(SELECT \* FROM|INSERT INTO) migrations\b/, (_all, verb: string) => `${verb} ${migrations}`)

const execute = async (client: OwnClient, step: PlannedStep, options: ApplyOptions): Promise<QueryResult> => {
  if (step.action === 'record') return NO_RESULT
  if (!runsInTransaction(step.file)) return rebuildIndex(client, step, options)
  // The library's transaction is open and empty; replace it with one that has a lock time-out.
  await client.query('ROLLBACK')
  await options.replicas.untilQuiet(client)
  return beginWithShortLocks(client, `START TRANSACTION; ${COMMIT_LOCALLY}`, options, () =>
    runFile(client, 'transaction', { title: migrationTitle(step.file), sql: step.file.sql }, options),
  )
}

// Outside a transaction, the library's last statement is its history row.
const isLast = ({ file }: PlannedStep, text: string): boolean =>
  runsInTransaction(file) ? text === 'COMMIT' : text.startsWith('INSERT INTO migrations')
