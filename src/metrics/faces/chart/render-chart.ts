import { duration, type Render } from '../../../terminal/render.js'
import { lengthOf } from '../../../terminal/wrap.js'
import { bucketLength } from '../../buckets.js'
import { quantity } from '../../quantity.js'
import type { MetricReading, MetricsReport } from '../../report.js'
import { highestOf, signsFor, topOf } from '../../sparkline.js'
import { nameOf } from '../../sample-name.js'
import { timeAxis } from './time-axis.js'

type Values = readonly (number | null)[]

/** Wider charts are no easier to read. */
const WIDEST = 120
const ROWS = { one: 10, several: 5 } as const

/** The course of a metric, a chart for each combination of labels, all from 0 to the same height. */
export const renderChart = ({ metric, samples }: MetricReading, report: MetricsReport, render: Render): string => {
  const { buckets, windowMs } = report
  const top = topOf(samples.flatMap(({ series = [] }) => series))
  const height = samples.length === 1 ? ROWS.one : ROWS.several
  const labels = axisLabels(top, height, (value) => quantity(value, metric.unit))
  const columns = Math.min(render.width, WIDEST) - lengthOf(labels[0] ?? '') - 3
  const size = Math.ceil(buckets.length / columns)
  const bucket = duration(bucketLength(buckets, windowMs))
  const scale = size > 1 ? `the highest of each ${size} buckets of ${bucket}` : `by ${bucket}`
  return samples
    .map((sample) =>
      [
        `${nameOf(metric, sample)}, ${scale}, UTC`,
        ...drawing(highestOf(sample.series ?? [], columns), { top, labels, columns, unicode: render.unicode }),
        ...timeAxis(highestBuckets(buckets, size), { columns, windowMs, indent: lengthOf(labels[0] ?? '') + 2 }),
      ].join('\n'),
    )
    .join('\n\n')
}

const highestBuckets = (buckets: readonly Date[], size: number): readonly Date[] =>
  buckets.filter((_, index) => index % size === 0)

/** A label for the highest row, the one in the middle, and the axis; all of one width. */
const axisLabels = (top: number, height: number, text: (value: number) => string): readonly string[] => {
  const middle = Math.floor(height / 2)
  const rows = Array.from({ length: height + 1 }, (_, row) => {
    if (row === 0) return text(top)
    if (row === height) return text(0)
    return row === middle ? text((top * (height - row)) / height) : ''
  })
  const width = Math.max(...rows.map(lengthOf))
  return rows.map((label) => label.padStart(width))
}

const FRAMES = {
  unicode: { side: '│', tick: '┤', corner: '└', base: '─' },
  ascii: { side: '|', tick: '+', corner: '+', base: '-' },
} as const

interface Frame {
  readonly top: number
  readonly labels: readonly string[]
  readonly columns: number
  readonly unicode: boolean
}

/** Columns over a base line, which is broken where there is no value. */
const drawing = (values: Values, { top, labels, columns, unicode }: Frame): readonly string[] => {
  const { side, tick, corner, base } = FRAMES[unicode ? 'unicode' : 'ascii']
  const { blocks } = signsFor(unicode)
  const height = labels.length - 1
  const each = Math.max(1, Math.floor(columns / values.length))
  const line = (sign: (value: number | null) => string): string => values.map((one) => sign(one).repeat(each)).join('')
  const rows = labels.slice(0, -1).map((label, row) => {
    const filled = (value: number | null): number =>
      Math.ceil((((value ?? 0) / top) * height - (height - 1 - row)) * blocks.length)
    const sign = (value: number | null): string => blocks[Math.min(filled(value), blocks.length) - 1] ?? ' '
    return `${label} ${label.trim() === '' ? side : tick}${line(sign)}`.trimEnd()
  })
  return [...rows, `${labels.at(-1)} ${corner}${line((value) => (value === null ? ' ' : base))}`]
}
