import type { Names } from '../persistence/sql-names.js'
import type { Given, Metric, Window } from './metric.js'
import { toTimestamp, type ResolvedWindow, type Span } from './window.js'

/** Metrics that one query computes: one alone, or all that aggregate the same rows. */
export type Unit = readonly Metric[]

/** Puts metrics together that share a source, in the place of the first of them. */
export const toUnits = (wanted: readonly Metric[]): readonly Unit[] => {
  const origin = ({ shared, name }: Metric) => shared?.source ?? name
  return [...new Set(wanted.map(origin))].map((one) => wanted.filter((metric) => origin(metric) === one))
}

/** A row of a metric's query: "value", and a text for each label. */
export type MetricRow = Readonly<Record<string, string | number | null>>

/** The rows of each metric of each unit. */
export type UnitRows = readonly (readonly (readonly MetricRow[] | null)[])[]

/** The one row that the statement returns. */
export interface SelectedMetrics {
  readonly values: UnitRows
  /** Of the metrics of a window, for the window that this one is compared with. */
  readonly compared: UnitRows | null
  /** Of the metrics of a window, for each bucket. */
  readonly series: readonly UnitRows[] | null
}

/** Whether a metric of the unit counts rows within the window; then all of them do. */
export const hasWindow = (unit: Unit): boolean => unit.some(({ window }) => window === 'since')

/** One statement for all of them, and its parameters. */
export const selectUnits = (
  units: readonly Unit[],
  names: Names,
  window: ResolvedWindow,
  given: Given,
): { readonly text: string; readonly values: readonly unknown[] } => {
  const values: unknown[] = []
  const parameter = (value: unknown, type: string): string => `$${values.push(value)}::${type}`
  // As parameters, not as a CTE, the planner can estimate how many rows are within. Only those that are used: the server
  // refuses others.
  const ends = ({ since, until }: Span): Window => ({
    get since() {
      return parameter(toTimestamp(since), 'timestamp')
    },
    get until() {
      return parameter(toTimestamp(until), 'timestamp')
    },
  })
  const rowsOf = (some: readonly Unit[], ends: Window): string =>
    jsonArray(some.map((unit) => selectUnit(unit, names, ends, given)))
  const inWindow = units.filter(hasWindow)
  const { compared, buckets } = window
  const text = `
    SELECT ${rowsOf(units, ends(window))} AS "values",
      ${compared === undefined ? 'NULL' : rowsOf(inWindow, ends(compared))} AS "compared",
      ${buckets.length === 0 ? 'NULL' : `(${selectSeries(buckets)})`} AS "series"`
  return { text, values }

  function selectSeries(spans: readonly Span[]): string {
    const [since, until] = (['since', 'until'] as const).map((end) =>
      parameter(
        spans.map((span) => toTimestamp(span[end])),
        'timestamp[]',
      ),
    )
    return `
      SELECT json_agg(${rowsOf(inWindow, { since: 'bucket."since"', until: 'bucket."until"' })} ORDER BY bucket."place")
      FROM unnest(${since}, ${until}) WITH ORDINALITY AS bucket ("since", "until", "place")`
  }
}

const selectUnit = (unit: Unit, names: Names, window: Window, given: Given): string => {
  const rows = jsonArray(unit.map((metric) => selectRows(metric, names, window, given)))
  const source = unit[0]?.shared?.source
  return source === undefined ? rows : `(SELECT ${rows} FROM (${source.rows(names, window)}) AS r)`
}

const selectRows = ({ select, shared }: Metric, names: Names, window: Window, given: Given): string => {
  if (shared === undefined) return `(SELECT json_agg(m) FROM (${select(names, window, given)}) AS m)`
  const samples = shared.aggregates(window, given).map(({ labels, sql }) => {
    const texts = Object.entries(labels).flatMap(([label, text]) => [`'${label}'`, `'${text}'`])
    return `json_build_object(${["'value'", sql, ...texts].join(', ')})`
  })
  return jsonArray(samples)
}

const jsonArray = (elements: readonly string[]): string => `json_build_array(${elements.join(', ')})`
