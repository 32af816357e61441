import { escapeIdentifier } from '../database/identifier.js'
import type { Names } from '../persistence/sql-names.js'
import type { Given, Metric, Shared, Source, Window } from './metric.js'

/** Defines a metric by aggregates over a source. @param aggregates several with the same labels, or one without */
export const aggregateOf = (
  source: Source,
  aggregates: string | Shared['aggregates'],
): Required<Pick<Metric, 'reads' | 'select' | 'shared'>> => {
  const shared: Shared = {
    source,
    aggregates: typeof aggregates === 'string' ? () => [{ labels: {}, sql: aggregates }] : aggregates,
  }
  return { reads: source.reads, shared, select: (names, window, given) => selectShared(shared, names, window, given) }
}

const selectShared = ({ source, aggregates }: Shared, names: Names, window: Window, given: Given): string => {
  const samples = aggregates(window, given)
  const labels = Object.keys(samples[0]?.labels ?? {})
  const columns = samples.map(({ sql }, index) => `${sql} AS v${index}`)
  const rows = samples.map(
    (sample, index) => `(${[`a.v${index}`, ...Object.values(sample.labels).map((text) => `'${text}'`)].join(', ')})`,
  )
  return `
    SELECT ${['s.value AS "value"', ...labels.map((label) => `s."${label}" AS "${label}"`)].join(', ')}
    FROM (SELECT ${columns.join(', ')} FROM (${source.rows(names, window)}) AS r) AS a
    CROSS JOIN LATERAL (VALUES ${rows.join(', ')}) AS s (${['value', ...labels].map(escapeIdentifier).join(', ')})`
}
