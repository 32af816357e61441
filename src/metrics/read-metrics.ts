import { withClient, type Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { onlyRow } from '../database/rows.js'
import { explainReadDenied, refuseHiddenRows } from '../database/read-denied.js'
import { hasSqlState, SqlState, type ServerError } from '../database/sql-state.js'
import { inReadOnlySnapshot } from '../database/transaction.js'
import { ExitCode, OperatorError } from '../errors.js'
import { SchemaNotReady } from '../persistence/errors.js'
import { namesIn, UTC_NOW } from '../persistence/sql-names.js'
import { metrics } from './index.js'
import type { Metric } from './metric.js'

export interface MetricsOptions {
  /** Length of the window that ends now. */
  readonly windowMs: number
  /** How long the server may work on it. */
  readonly statementTimeoutMs: number
  readonly signal: AbortSignal
}

export interface MetricValue extends Pick<Metric, 'name' | 'title'> {
  readonly value: number
  /** Null when everything there is was counted. */
  readonly windowMs: number | null
}

/** All figures of one instant. */
export interface MetricsReport {
  /** The window's edge: what is exactly as old is not counted, what is younger is, also when its clock ran ahead of the server's. */
  readonly since: Date
  readonly now: Date
  readonly metrics: readonly MetricValue[]
}

const LOCK_TIMEOUT_MS = 1_000

/** A server that does not even refuse after its own time-out is frozen or gone. */
const ANSWER_GRACE_MS = 2_000

/**
 * Reads every metric with one statement, in one snapshot that the server keeps read-only. Also behind a transaction pooler.
 * @throws OperatorError, `schema_not_ready` where tables or guest columns are missing
 */
export const readMetrics = (target: ConnectionTarget, options: MetricsOptions): Promise<MetricsReport> => {
  const { statementTimeoutMs, signal } = options
  const session = { applicationName: 'chatkeep metrics', signal, queryTimeoutMs: statementTimeoutMs + ANSWER_GRACE_MS }
  const limits = { statementTimeoutMs, lockTimeoutMs: LOCK_TIMEOUT_MS }
  const schema = target.schema ?? 'public'
  return withClient(target, session, (client) =>
    inReadOnlySnapshot(client, limits, async () => {
      try {
        await refuseHiddenRows(client)
        return await selectMetrics(client, schema, options.windowMs)
      } catch (error) {
        throw explain(error, target.user, schema, options)
      }
    }),
  )
}

/** Reads every metric inside the caller's transaction, whose start is the end of the window. */
export const selectMetrics = async (client: Queryable, schema: string, windowMs: number): Promise<MetricsReport> => {
  const row = onlyRow(
    await client.query<{ now: Date; since: Date; values: readonly string[] }>(selectAll(schema), [windowMs]),
  )
  return {
    since: row.since,
    now: row.now,
    metrics: metrics.map(({ name, title, window }, index) => ({
      name,
      title,
      value: Number(row.values[index]),
      windowMs: window === 'since' ? windowMs : null,
    })),
  }
}

// Written out at each place instead of once in a CTE: so the planner knows its value and how many rows are younger.
const SINCE = `(${UTC_NOW} - make_interval(secs => $1::double precision / 1000))`

const selectAll = (schema: string): string => {
  const names = namesIn(schema)
  return `
    SELECT now() AS "now",
      ${SINCE} AT TIME ZONE 'UTC' AS "since",
      ARRAY[${metrics.map(({ select }) => `(${select(names, SINCE)})`).join(', ')}]::bigint[] AS "values"`
}

const explain = (
  error: unknown,
  user: string,
  schema: string,
  { statementTimeoutMs, signal }: MetricsOptions,
): unknown => {
  if (hasSqlState(error, SqlState.undefinedTable, SqlState.undefinedColumn, SqlState.invalidSchemaName)) {
    return new SchemaNotReady(error.message, error)
  }
  // Ctrl-C cancels the statement, too; that one has its own words.
  if (hasSqlState(error, SqlState.queryCanceled) && !signal.aborted) return tooSlow(statementTimeoutMs, error)
  return explainReadDenied(error, { user, schema, tables: ['ChatMessage', 'Client'] })
}

const tooSlow = (statementTimeoutMs: number, cause: ServerError): OperatorError =>
  new OperatorError(
    'statement_timeout',
    `the server did not come to the figures within ${statementTimeoutMs / 1_000} s`,
    {
      cause,
      sqlState: cause.code,
      exitCode: ExitCode.unreachable,
      retryable: true,
      hint: 'give it longer: chatkeep metrics --statement-timeout 1m',
    },
  )
