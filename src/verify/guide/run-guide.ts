import type { Queryable } from '../../database/connection.js'
import { exitCodeOf } from '../../database/errors/server-states.js'
import { reachedLimit } from '../../database/errors/statement-limit.js'
import { SqlState, type ServerError } from '../../database/sql-state.js'
import { PartLocked, type ReadPart } from '../../database/waiting/read-in-parts.js'
import { ExitCode } from '../../errors.js'
import type { Finding } from '../finding.js'
import { compareTables } from './compare.js'
import { failedQuery, lockedQuery, outputDiffers, refusedQuery } from './findings.js'
import type { Fence } from './markdown.js'
import type { Comparison, PlannedFence } from './plan.js'
import { runQuery } from './run-queries.js'

/** What became of a fence. */
export interface FenceResult {
  readonly file: string
  readonly fence: Fence
  readonly state: 'ok' | 'failed' | 'unknown' | 'not_run'
  /** Why it was not run. */
  readonly reason?: string | undefined
  /** Rows that were compared. */
  readonly rows: number
  /** How many differences there are; `findings` has the first of them. */
  readonly differences: number
  readonly findings: readonly Finding[]
  readonly exitCode: ExitCode
}

export interface RunLimits {
  readonly statementTimeoutMs: number
  readonly signal: AbortSignal
}

/** Runs the fences of guides in the caller's read-only snapshot. */
export const runFences = async (
  client: Queryable,
  fences: readonly PlannedFence[],
  part: ReadPart,
  limits: RunLimits,
): Promise<readonly FenceResult[]> => {
  const results: FenceResult[] = []
  for (const planned of fences) {
    limits.signal.throwIfAborted()
    results.push({ file: planned.file, fence: planned.fence, ...(await runFence(client, planned, part, limits)) })
  }
  return results
}

type Result = Omit<FenceResult, 'file' | 'fence'>

const runFence = async (
  client: Queryable,
  planned: PlannedFence,
  part: ReadPart,
  limits: RunLimits,
): Promise<Result> => {
  if (planned.kind === 'not_run') return notRun(planned.reason)
  if (planned.kind === 'wrong') return failed([planned.finding], 0)
  const { file, fence, comparisons } = planned
  try {
    const read = await part(async () => ({ results: await compareAll(client, file, fence, comparisons, limits) }))
    return worstOf(read.results)
  } catch (error) {
    if (!(error instanceof PartLocked)) throw error
    return unknown(lockedQuery(file, fence, error.blockage), ExitCode.busy)
  }
}

const compareAll = async (
  client: Queryable,
  file: string,
  fence: Fence,
  comparisons: readonly Comparison[],
  limits: RunLimits,
): Promise<readonly Result[]> => {
  const results: Result[] = []
  for (const { query, table } of comparisons) {
    const startedAt = performance.now()
    const outcome = await runQuery(client, query, table.rows.length + MORE_ROWS)
    limits.signal.throwIfAborted()
    if (outcome.kind === 'failed') {
      const position = query.offset + (outcome.position ?? 1)
      results.push(
        await refusalOf(client, file, fence, { ...outcome, position }, performance.now() - startedAt, limits),
      )
    } else {
      const differences = compareTables(table, outcome.table, query.isOrdered)
      results.push(
        differences.length === 0
          ? { state: 'ok', rows: outcome.table.rows.length, differences: 0, findings: [], exitCode: ExitCode.done }
          : failed(
              differences.slice(0, MOST_SHOWN).map((one) => outputDiffers(file, one)),
              differences.length,
            ),
      )
    }
  }
  return results
}

/** How many rows beyond the expected ones are looked at. */
const MORE_ROWS = 100

/** A wrong query may differ in every row. */
const MOST_SHOWN = 10

const refusalOf = async (
  client: Queryable,
  file: string,
  fence: Fence,
  { error, position }: { readonly error: ServerError; readonly position: number },
  elapsedMs: number,
  { statementTimeoutMs }: RunLimits,
): Promise<Result> => {
  // A function that writes, which is no query.
  if (error.code === SqlState.readOnlyTransaction) return notRun('it writes')
  const exitCode = exitCodeOf(error)
  if (exitCode === ExitCode.no) return failed([failedQuery(file, fence, error, position)], 1)
  const isTimeout = await reachedLimit(client, elapsedMs, statementTimeoutMs)
  return unknown(refusedQuery(file, fence, error, position, isTimeout), exitCode)
}

const notRun = (reason: string): Result => ({
  ...{ state: 'not_run', reason, rows: 0, differences: 0, findings: [], exitCode: ExitCode.done },
})

const failed = (findings: readonly Finding[], differences: number): Result => ({
  ...{ state: 'failed', rows: 0, differences, findings, exitCode: ExitCode.no },
})

const unknown = (found: Finding, exitCode: ExitCode): Result => ({
  ...{ state: 'unknown', rows: 0, differences: 0, findings: [found], exitCode },
})

const STATES = ['ok', 'not_run', 'unknown', 'failed'] as const

/** The result of a fence with several queries. */
const worstOf = (results: readonly Result[]): Result => {
  const worst = results.reduce((one, other) => (STATES.indexOf(other.state) > STATES.indexOf(one.state) ? other : one))
  return {
    ...worst,
    rows: results.reduce((sum, { rows }) => sum + rows, 0),
    differences: results.reduce((sum, { differences }) => sum + differences, 0),
    findings: results.flatMap(({ findings }) => findings),
  }
}
