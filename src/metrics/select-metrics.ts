import type { Queryable } from '../database/connection.js'
import { onlyRow } from '../database/rows.js'
import { ownNamesFor } from '../persistence/own-names.js'
import { namesIn, UTC_NOW, type Names } from '../persistence/sql-names.js'
import { metrics } from './index.js'
import type { Given, Metric, Window } from './metric.js'
import type { MetricReading, MetricsReport } from './report.js'

/** What is read, and for which window. */
export interface Selection {
  /** Length of the window that ends now. */
  readonly windowMs: number
  readonly diskBytes?: number | undefined
}

/** Metrics that one query computes: one alone, or all that aggregate the same rows. */
export type Unit = readonly Metric[]

/** Reads metrics in the caller's transaction, whose start is the end of the window. */
export const selectMetrics = async (
  client: Queryable,
  schema: string,
  { windowMs, diskBytes }: Selection,
  wanted: readonly Metric[] = metrics,
): Promise<MetricsReport> => {
  const units = toUnits(await withoutMissing(client, schema, wanted))
  const query = selectUnits(units, namesIn(schema), WINDOW, { diskBytes })
  const { now, since, values } = onlyRow(await client.query<SelectedMetrics>(query, [windowMs]))
  const rowsOf = new Map(units.flatMap((unit, u) => unit.map((metric, m) => [metric, values[u]?.[m] ?? []] as const)))
  return {
    ...{ since, until: undefined, now, windowMs, buckets: [], comparedMs: undefined },
    metrics: wanted.map((metric) => toReading(metric, rowsOf.get(metric) ?? UNKNOWN)),
    blockage: undefined,
  }
}

/** Puts metrics together that share a source, in the place of the first of them. */
export const toUnits = (wanted: readonly Metric[]): readonly Unit[] => {
  const origin = ({ shared, name }: Metric) => shared?.source ?? name
  return [...new Set(wanted.map(origin))].map((one) => wanted.filter((metric) => origin(metric) === one))
}

const SELECT_READABLE = `
  SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = 'guest_clients'
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')`

/** Leaves out metrics whose table is missing or may not be read. */
const withoutMissing = async (
  client: Queryable,
  schema: string,
  wanted: readonly Metric[],
): Promise<readonly Metric[]> => {
  if (wanted.every(({ needs }) => needs === undefined)) return wanted
  const { rowCount } = await client.query(SELECT_READABLE, [ownNamesFor(schema).schema])
  return rowCount === 0 ? wanted.filter(({ needs }) => needs === undefined) : wanted
}

/** A row of a metric's query: "value", and a text for each label. */
type MetricRow = Readonly<Record<string, string | number | null>>

interface SelectedMetrics {
  readonly now: Date
  readonly since: Date
  /** The rows of each metric of each unit. */
  readonly values: readonly (readonly (readonly MetricRow[] | null)[])[]
}

// Repeated in each query instead of computed once in a CTE: this way the planner can estimate how many rows are newer.
const SINCE = `(${UTC_NOW} - make_interval(secs => $1::double precision / 1000))`

const WINDOW: Window = { since: SINCE, until: `'infinity'::timestamp` }

const selectUnits = (units: readonly Unit[], names: Names, window: Window, given: Given): string => `
  SELECT now() AS "now",
    ${SINCE} AT TIME ZONE 'UTC' AS "since",
    json_build_array(${units.map((unit) => selectUnit(unit, names, window, given)).join(', ')}) AS "values"`

const selectUnit = (unit: Unit, names: Names, window: Window, given: Given): string => {
  const source = unit[0]?.shared?.source
  const rows = unit.map(({ select, shared }) => {
    if (shared === undefined) return `(SELECT json_agg(m) FROM (${select(names, window, given)}) AS m)`
    const samples = shared.aggregates(window, given).map(({ labels, sql }) => {
      const texts = Object.entries(labels).flatMap(([label, text]) => [`'${label}'`, `'${text}'`])
      return `json_build_object(${["'value'", sql, ...texts].join(', ')})`
    })
    return `json_build_array(${samples.join(', ')})`
  })
  const values = `json_build_array(${rows.join(', ')})`
  return source === undefined ? values : `(SELECT ${values} FROM (${source.rows(names, window)}) AS r)`
}

/** Of a metric that cannot be read. */
const UNKNOWN: readonly MetricRow[] = [{ value: null }]

const toReading = (metric: Metric, rows: readonly MetricRow[]): MetricReading => ({
  metric,
  samples: rows.map((row) => ({
    labels: Object.fromEntries((metric.labels ?? []).flatMap((label) => toLabel(label, row[label]))),
    value: row.value === null ? null : Number(row.value),
  })),
})

const toLabel = (label: string, text: string | number | null | undefined): readonly (readonly [string, string])[] =>
  text === undefined ? [] : [[label, String(text)]]
