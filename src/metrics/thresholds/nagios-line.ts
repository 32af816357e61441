import { errorLines, type ErrorDocument } from '../../terminal/error-document.js'
import { printable } from '../../terminal/printable.js'
import type { Metric } from '../metric.js'
import type { MetricsReport, Sample } from '../report.js'
import { describeBreach } from './describe-verdict.js'
import { rangesFor, type State, type Verdict } from './judge.js'
import { renderRange, type Range } from './range.js'
import type { Threshold } from './threshold.js'

/** What a monitoring plugin ends with. */
export const STATE_CODE = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const satisfies Record<State, number>

const SERVICE = 'CHATKEEP'
/** Breaches in the line; it stays short enough for a pager. */
const MOST_BREACHES = 3

/** The report as a monitoring plugin prints it: one line, with performance data after `|`. */
export const nagiosLine = (
  { metrics }: MetricsReport,
  { state, breaches }: Verdict,
  thresholds: readonly Threshold[],
): string => {
  const more = breaches.length - MOST_BREACHES
  const text =
    breaches.length === 0
      ? `${metrics.length} metrics`
      : [...breaches.slice(0, MOST_BREACHES).map(describeBreach), ...(more > 0 ? [`${more} more`] : [])].join('; ')
  const data = metrics.flatMap(({ metric, samples }) =>
    samples.map((sample) => performanceData(metric, sample, thresholds)),
  )
  return `${headline(state, text)} | ${data.join(' ')}`
}

/** An error as a monitoring plugin prints it. */
export const nagiosError = (error: ErrorDocument): string => headline('unknown', errorLines(error).join('; '))

// What follows a line feed is long output to a monitoring system, and what follows a bar is performance data.
const headline = (state: State, text: string): string =>
  `${SERVICE} ${state.toUpperCase()}: ${printable(text.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '/'))}`

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
