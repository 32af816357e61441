import type { Render } from '../../../terminal/render.js'
import { lengthOf } from '../../../terminal/wrap.js'
import type { Metric } from '../../metric.js'
import { quantity } from '../../quantity.js'
import { labelText } from '../../sample-name.js'
import type { Row } from './row.js'

/** Where a title leaves no room for a name beside it, the values are below it. */
const NARROW = 60

/** Values of one metric that are named in its line. */
const NAMED = 3

/** What describes the moment, a row for each value. */
export const momentTable = (rows: readonly Row[], render: Render): string => {
  const width = Math.max(...rows.map(({ value }) => lengthOf(value)), 'value'.length)
  return render.table(
    ['now', 'value'.padStart(width)],
    rows.map(({ name, value }) => [name, value.padStart(width)]),
  )
}

/** What describes the moment, a line for each metric: the highest of its values, and what the others come to. */
export const momentLines = (rows: readonly Row[], render: Render): readonly string[] => {
  const metrics = [...new Set(rows.map(({ metric }) => metric))]
  const width = Math.max(...metrics.map(({ title }) => lengthOf(title)))
  return metrics.map((metric) => {
    const values = rows.filter((row) => row.metric === metric)
    const line = lineOf(metric, values)
    return render.width < NARROW ? `${metric.title}\n  ${line}` : `${metric.title.padEnd(width)}  ${line}`
  })
}

const lineOf = (metric: Metric, rows: readonly Row[]): string => {
  const sorted = rows.length <= NAMED ? rows : rows.toSorted((a, b) => (b.sample.value ?? 0) - (a.sample.value ?? 0))
  const named = sorted.slice(0, NAMED).map((row) => `${shortLabel(row, rows)}${row.value}`)
  return [...named, ...otherText(metric, sorted.slice(NAMED))].join(', ')
}

/** The last label alone where it tells the values apart, as the name of an index does. */
const shortLabel = ({ sample: { labels } }: Row, rows: readonly Row[]): string => {
  const last = Object.keys(labels).at(-1)
  if (last === undefined) return ''
  const isEnough = new Set(rows.map(({ sample }) => sample.labels[last])).size === rows.length
  return `${labelText(isEnough ? { [last]: labels[last] ?? '' } : labels)} `
}

const otherText = ({ unit }: Metric, others: readonly Row[]): readonly string[] => {
  if (others.length === 0) return []
  const isSum = unit === 'count' || unit === 'bytes'
  const sum = others.reduce((all, { sample }) => all + (sample.value ?? 0), 0)
  return [`${others.length} more${isSum ? ` ${quantity(sum, unit)}` : ''}`]
}
