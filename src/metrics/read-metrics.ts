import type { Blockage } from '../database/blockers.js'
import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { onlyRow } from '../database/rows.js'
import { explainReadDenied } from '../database/read-denied.js'
import { hasSqlState, SqlState, type ServerError } from '../database/sql-state.js'
import { PartLocked, readInParts, type ReadPart } from '../database/waiting/read-in-parts.js'
import type { OnWaitEvent } from '../database/waiting/wait-events.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'
import { ExitCode, OperatorError } from '../errors.js'
import { SchemaNotReady } from '../persistence/errors.js'
import { refuseHiddenRows } from '../persistence/access/hidden-rows.js'
import { namesIn, UTC_NOW } from '../persistence/sql-names.js'
import { metrics } from './index.js'
import type { Metric } from './metric.js'
import type { MetricReading, MetricsReport } from './report.js'
import { again } from '../next-step.js'

export interface MetricsOptions {
  /** Length of the window that ends now. */
  readonly windowMs: number
  /** Limit of the query. */
  readonly statementTimeoutMs: number
  readonly signal: AbortSignal
  /** Reports who holds what is locked. */
  readonly onWait: OnWaitEvent
}

/** A server that does not report its own statement time-out within this time is frozen or unreachable. */
const ANSWER_GRACE_MS = 2_000

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
    queryTimeoutMs: statementTimeoutMs + ANSWER_GRACE_MS,
  }
  const schema = target.schema ?? 'public'
  return withWatchedClient(target, session, { showQueries: false, onEvent: onWait }, (client) =>
    readInParts(client, options, async (part, isLocked) => {
      const startedAt = performance.now()
      try {
        await refuseMissingSchema(client, schema)
        await refuseHiddenRows(client, schema)
        return isLocked
          ? await selectOneByOne(client, schema, options.windowMs, part)
          : await selectMetrics(client, schema, options.windowMs)
      } catch (error) {
        throw explain(error, target.role ?? target.user, schema, options, performance.now() - startedAt)
      }
    }),
  )
}

/** Reads the metrics in the caller's transaction, whose start is the end of the window. */
export const selectMetrics = async (
  client: Queryable,
  schema: string,
  windowMs: number,
  wanted: readonly Metric[] = metrics,
): Promise<MetricsReport> => {
  const { now, since, values } = onlyRow(await client.query<SelectedMetrics>(selectAll(schema, wanted), [windowMs]))
  return {
    ...{ since, until: undefined, now, windowMs, buckets: [], comparedMs: undefined },
    metrics: wanted.map((metric, index) => toReading(metric, values[index] ?? [])),
    blockage: undefined,
  }
}

/** Reads the metrics one by one; the value of one that stays locked is null. */
const selectOneByOne = async (
  client: Queryable,
  schema: string,
  windowMs: number,
  part: ReadPart,
): Promise<MetricsReport> => {
  const frame = await selectMetrics(client, schema, windowMs, [])
  const readings: MetricReading[] = []
  let blockage: Blockage | undefined
  for (const metric of metrics) {
    const report = await part(() => selectMetrics(client, schema, windowMs, [metric]))
    try {
      readings.push(...report.metrics)
    } catch (error) {
      if (!(error instanceof PartLocked)) throw error
      blockage ??= error.blockage
      readings.push({ metric, samples: [{ labels: {}, value: null }] })
    }
  }
  return { ...frame, metrics: readings, blockage }
}

/** A row of a metric's query: "value", and a text for each label. */
type MetricRow = Readonly<Record<string, string | number | null>>

interface SelectedMetrics {
  readonly now: Date
  readonly since: Date
  /** The rows of each metric, in the order of the metrics. */
  readonly values: readonly (readonly MetricRow[] | null)[]
}

// Repeated in each query instead of computed once in a CTE: this way the planner can estimate how many rows are newer.
const SINCE = `(${UTC_NOW} - make_interval(secs => $1::double precision / 1000))`

const WINDOW = { since: SINCE, until: `'infinity'::timestamp` }

const selectAll = (schema: string, wanted: readonly Metric[]): string => {
  const names = namesIn(schema)
  const rows = wanted.map(({ select }) => `(SELECT json_agg(m) FROM (${select(names, WINDOW)}) AS m)`)
  return `
    SELECT now() AS "now",
      ${SINCE} AT TIME ZONE 'UTC' AS "since",
      json_build_array(${rows.join(', ')}) AS "values"`
}

const toReading = (metric: Metric, rows: readonly MetricRow[]): MetricReading => ({
  metric,
  samples: rows.map((row) => ({
    labels: Object.fromEntries((metric.labels ?? []).map((label) => [label, String(row[label])])),
    value: row.value === null ? null : Number(row.value),
  })),
})

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
