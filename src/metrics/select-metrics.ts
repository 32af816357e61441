import type { Queryable } from '../database/connection.js'
import { STANDBY_COLUMNS, standbyStateOf, type StandbyState } from '../database/replication/replication-state.js'
import { onlyRow } from '../database/rows.js'
import { ownNamesFor } from '../persistence/own-names.js'
import { namesIn } from '../persistence/sql-names.js'
import { metrics } from './index.js'
import type { Metric } from './metric.js'
import { hasWindow, selectUnits, toUnits, type MetricRow, type SelectedMetrics, type UnitRows } from './metrics-sql.js'
import type { MetricReading, MetricsReport, Sample } from './report.js'
import { resolveWindow, toDate, type WindowRequest } from './window.js'

/** What is read, and for which window. */
export interface Selection extends WindowRequest {
  readonly diskBytes?: number | undefined
  /** All when absent. */
  readonly metrics?: readonly Metric[] | undefined
}

/** Reads metrics in the caller's transaction, whose start is now. @throws OperatorError `usage` for a window that is none */
export const selectMetrics = async (
  client: Queryable,
  schema: string,
  selection: Selection,
): Promise<MetricsReport> => {
  const { diskBytes, metrics: wanted = metrics, compareMs } = selection
  const facts = await readFacts(client, schema)
  const { now, canReadGuestClients } = facts
  const window = resolveWindow(selection, now)
  const units = toUnits(canReadGuestClients ? wanted : wanted.filter(({ needs }) => needs === undefined))
  const { text, values } = selectUnits(units, namesIn(schema), window, { diskBytes })
  const selected = onlyRow(await client.query<SelectedMetrics>(text, [...values]))
  const readings = toReadings(units, selected)
  return {
    since: toDate(window.since),
    until: window.until === Infinity ? undefined : toDate(window.until),
    now: toDate(now),
    windowMs: Math.round((window.end - window.since) / 1_000),
    buckets: window.buckets.map(({ since }) => toDate(since)),
    bucketMs: window.bucketMs,
    comparedMs: compareMs,
    metrics: wanted.map((metric) => readings.get(metric) ?? { metric, samples: [{ labels: {}, value: null }] }),
    blockage: undefined,
    standby: standbyStateOf(facts),
  }
}

interface Facts extends StandbyState {
  /** The start of the transaction, in microseconds. */
  readonly now: number
  readonly canReadGuestClients: boolean
}

// In the transaction only. Compiling the statement takes longer than running it. The planner expects more conversations than there
// are, and with the default of 4 MB sorts the messages of the window on disk instead of hashing them.
const SELECT_FACTS = `
  SELECT set_config('jit', 'off', true), set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, 32768)::text, true), (extract(epoch FROM now()) * 1000000)::float8 AS "now", EXISTS (
    SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = 'guest_clients'
      AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
  ) AS "canReadGuestClients",
    ${STANDBY_COLUMNS}`

const readFacts = async (client: Queryable, schema: string): Promise<Facts> =>
  onlyRow(await client.query<Facts>(SELECT_FACTS, [ownNamesFor(schema).schema]))

const toReadings = (
  units: ReturnType<typeof toUnits>,
  { values, compared, series }: SelectedMetrics,
): ReadonlyMap<Metric, MetricReading> => {
  const all = rowsByMetric(units, values)
  const inWindow = units.filter(hasWindow)
  const before = compared === null ? undefined : rowsByMetric(inWindow, compared)
  const buckets = series?.map((rows) => rowsByMetric(inWindow, rows))
  const toSample = (metric: Metric, row: MetricRow): Sample => ({
    labels: labelsOf(metric, row),
    value: toValue(row),
    ...(metric.window === 'since' && {
      ...(before && { compared: valueOf(metric, row, before) }),
      ...(buckets && { series: buckets.map((bucket) => valueOf(metric, row, bucket)) }),
    }),
  })
  return new Map(
    [...all].map(([metric, rows]) => [metric, { metric, samples: rows.map((row) => toSample(metric, row)) }]),
  )
}

type RowsByMetric = ReadonlyMap<Metric, readonly MetricRow[]>

const rowsByMetric = (units: ReturnType<typeof toUnits>, rows: UnitRows): RowsByMetric =>
  new Map(units.flatMap((unit, u) => unit.map((metric, m) => [metric, rows[u]?.[m] ?? []] as const)))

/** The value under the same labels in other rows. */
const valueOf = (metric: Metric, row: MetricRow, others: RowsByMetric): number | null => {
  const labels = metric.labels ?? []
  const same = others.get(metric)?.find((other) => labels.every((label) => other[label] === row[label]))
  return same === undefined ? null : toValue(same)
}

const toValue = ({ value }: MetricRow): number | null => (value === null || value === undefined ? null : Number(value))

const labelsOf = ({ labels = [] }: Metric, row: MetricRow): Readonly<Record<string, string>> =>
  Object.fromEntries(labels.map((label) => [label, String(row[label])]))
