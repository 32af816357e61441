import { describeBlockage } from '../../database/blockers.js'
import { monitoringLine } from '../../terminal/monitoring-line.js'
import { printable } from '../../terminal/printable.js'
import type { Metric } from '../metric.js'
import type { MetricsReport, Sample } from '../report.js'
import { describeBreach } from './render-verdict.js'
import { rangesFor, type Verdict } from './judge.js'
import { renderRange, type Range } from './range.js'
import type { Threshold } from './threshold.js'

/** Breaches in the line; it stays short enough for a pager. */
const MOST_BREACHES = 3

/** The report as a monitoring plugin prints it: one line, with performance data after `|`. */
export const checkLine = (
  { metrics, blockage }: MetricsReport,
  { state, breaches }: Verdict,
  thresholds: readonly Threshold[],
): string => {
  const known = breaches.filter((breach) => breach.state !== 'unknown')
  const more = known.length - MOST_BREACHES
  const unknown = breaches.length - known.length
  const facts = [
    ...known.slice(0, MOST_BREACHES).map(describeBreach),
    ...(more > 0 ? [`${more} more`] : []),
    ...(blockage === undefined ? [] : [describeBlockage(blockage)]),
    ...(unknown === 0 ? [] : [`${unknown} with a threshold unknown`]),
  ]
  const text = facts.length === 0 ? `${metrics.length} metrics` : facts.join('; ')
  const data = metrics.flatMap(({ metric, samples }) =>
    samples.map((sample) => performanceData(metric, sample, thresholds)),
  )
  return `${monitoringLine(state, text)} | ${data.join(' ')}`
}

const performanceData = (metric: Metric, sample: Sample, thresholds: readonly Threshold[]): string => {
  const [factor, unit, most] = MEASUREMENT[metric.unit]
  const plain = (value: number): string => plainNumber(value * factor)
  const { warn, crit } = rangesFor(metric, sample, thresholds)
  const range = (one: Range | undefined): string => (one === undefined ? '' : renderRange(one, plain))
  const value = sample.value === null ? 'U' : `${plain(sample.value)}${unit}`
  const fields = [value, range(warn), range(crit), '0', most].join(';').replace(/;+$/, '')
  return `'${labelOf(metric, sample)}'=${fields}`
}

/** Of each unit: factor, unit of measurement, and greatest value. */
const MEASUREMENT = {
  count: [1, '', ''],
  ratio: [100, '%', '100'],
  bytes: [1, 'B', ''],
  seconds: [1, 's', ''],
} as const satisfies Record<Metric['unit'], unknown>

/** Digits, sign and point only: no exponent, no grouping, and no trace of binary fractions. */
const plainNumber = (value: number): string =>
  value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 6 })

/** The name, with the values of the labels. A label must not contain an equals sign; quotes in it are doubled. */
const labelOf = ({ name }: Metric, { labels }: Sample): string => {
  const values = Object.values(labels).map((value) => printable(value).replaceAll(/[=|]/g, '_').replaceAll("'", "''"))
  return values.length === 0 ? name : `${name}[${values.join(',')}]`
}
