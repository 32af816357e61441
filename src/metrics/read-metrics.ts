import type { Blockage } from '../database/blockers.js'
import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { queryTimeoutFor } from '../database/errors/statement-limit.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { explainReadDenied } from '../database/read-denied.js'
import { hasSqlState, SqlState, type ServerError } from '../database/sql-state.js'
import { PartLocked, readInParts, type ReadPart } from '../database/waiting/read-in-parts.js'
import type { OnWaitEvent } from '../database/waiting/wait-events.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'
import { ExitCode, OperatorError } from '../errors.js'
import { SchemaNotReady } from '../persistence/errors.js'
import { refuseHiddenRows } from '../persistence/access/hidden-rows.js'
import { again } from '../next-step.js'
import { metrics } from './index.js'
import type { Metric } from './metric.js'
import type { MetricReading, MetricsReport } from './report.js'
import { selectMetrics, type Selection } from './select-metrics.js'
import { toUnits } from './metrics-sql.js'

export interface MetricsOptions extends Selection {
  /** Limit of the query. */
  readonly statementTimeoutMs: number
  readonly signal: AbortSignal
  /** Reports who holds what is locked. */
  readonly onWait: OnWaitEvent
}

/**
 * Reads all metrics with one statement in a read-only transaction, which also works through a transaction pooler. Where a
 * table is locked, it reads them one by one, in another snapshot, and leaves out what stays locked.
 * @throws SchemaNotReady if tables or guest columns are missing
 * @throws OperatorError if the database is unreachable, the query times out, or the role may not read every row
 */
export const readMetrics = (target: ConnectionTarget, options: MetricsOptions): Promise<MetricsReport> => {
  const { statementTimeoutMs, signal, onWait } = options
  const session = {
    applicationName: 'chatkeep metrics',
    signal,
    statementTimeoutMs,
    queryTimeoutMs: queryTimeoutFor(statementTimeoutMs),
  }
  const schema = target.schema ?? 'public'
  return withWatchedClient(target, session, { showQueries: false, onEvent: onWait }, (client) =>
    readInParts(client, options, async (part, isLocked) => {
      const startedAt = performance.now()
      try {
        await refuseMissingSchema(client, schema)
        await refuseHiddenRows(client, schema)
        return isLocked
          ? await selectOneByOne(client, schema, options, part)
          : await selectMetrics(client, schema, options)
      } catch (error) {
        throw explain(error, target.role ?? target.user, schema, options, performance.now() - startedAt)
      }
    }),
  )
}

/** Reads what does not share rows one by one; the values of a table that stays locked are null. */
const selectOneByOne = async (
  client: Queryable,
  schema: string,
  selection: Selection,
  part: ReadPart,
): Promise<MetricsReport> => {
  const { metrics: wanted = metrics } = selection
  const frame = await selectMetrics(client, schema, { ...selection, metrics: [] })
  const readings: MetricReading[] = []
  let blockage: Blockage | undefined
  for (const unit of toUnits(wanted)) {
    const report = await part(() => selectMetrics(client, schema, { ...selection, metrics: unit }))
    try {
      readings.push(...report.metrics)
    } catch (error) {
      if (!(error instanceof PartLocked)) throw error
      blockage ??= error.blockage
      readings.push(...unit.map((metric) => ({ metric, samples: [{ labels: {}, value: null }] })))
    }
  }
  const order = (metric: Metric): number => wanted.indexOf(metric)
  return { ...frame, metrics: readings.toSorted((a, b) => order(a.metric) - order(b.metric)), blockage }
}

const explain = (
  error: unknown,
  user: string,
  schema: string,
  { statementTimeoutMs, signal }: MetricsOptions,
  elapsedMs: number,
): unknown => {
  if (hasSqlState(error, SqlState.undefinedTable, SqlState.undefinedColumn, SqlState.invalidSchemaName)) {
    return new SchemaNotReady(error.message, error)
  }
  // Ctrl-C also cancels the statement; that error is reported as the interruption.
  if (hasSqlState(error, SqlState.queryCanceled) && !signal.aborted && elapsedMs >= statementTimeoutMs)
    return tooSlow(statementTimeoutMs, error)
  return explainReadDenied(error, {
    user,
    tables: [
      [schema, 'ChatMessage'],
      [schema, 'Client'],
    ],
  })
}

const tooSlow = (statementTimeoutMs: number, cause: ServerError): OperatorError =>
  new OperatorError('statement_timeout', `the metrics query took longer than ${statementTimeoutMs / 1_000} s`, {
    cause,
    sqlState: cause.code,
    exitCode: ExitCode.unreachable,
    retryable: true,
    hint: again('--statement-timeout 1m', 'raise the limit'),
  })
