import type { PluginState } from '../../terminal/monitoring-line.js'
import type { Metric } from '../metric.js'
import type { MetricReading, MetricsReport, Sample } from '../report.js'
import { alertsOn, type Range } from './range.js'
import { LEVELS, type Level, type Threshold } from './threshold.js'

/** The worst last: the order in which the Monitoring Plugins combine them. */
const STATES: readonly PluginState[] = ['ok', 'unknown', 'warning', 'critical']

/** What a report means. */
export interface Verdict {
  readonly state: PluginState
  /** Each value that breaches a threshold, and each that has one and could not be read; the worst first. */
  readonly breaches: readonly Breach[]
}

export interface Breach {
  readonly state: Exclude<PluginState, 'ok'>
  readonly metric: Metric
  readonly labels: Sample['labels']
  readonly value: number | null
  /** The range that was breached; undefined if the value is unknown. */
  readonly range: Range | undefined
}

/** The ranges that hold for one value. */
export type Ranges = Readonly<Record<Level, Range | undefined>>

/** Judges every value by its thresholds. @param thresholds in the order of their precedence, the strongest last */
export const judge = ({ metrics, blockage }: MetricsReport, thresholds: readonly Threshold[]): Verdict => {
  const breaches = metrics
    .flatMap(({ metric, samples }) =>
      samples.flatMap((sample) =>
        breachOf(metric, sample, rangesFor(metric, sample, thresholds), blockage !== undefined),
      ),
    )
    .toSorted((a, b) => STATES.indexOf(b.state) - STATES.indexOf(a.state))
  return { state: breaches[0]?.state ?? 'ok', breaches }
}

/** The ranges of a value: for each level, those of the last threshold that is about it. */
export const rangesFor = (
  { name }: Metric,
  { labels }: Pick<Sample, 'labels'>,
  thresholds: readonly Threshold[],
): Ranges => {
  const rangeAt = (level: Level): Range | undefined =>
    thresholds.findLast(
      (one) =>
        one.metric === name &&
        one.level === level &&
        // What stands for the unread samples of a metric has no labels: each of its thresholds is about it.
        Object.entries(one.labels).every(([label, value]) => (labels[label] ?? value) === value),
    )?.range
  return { warn: rangeAt('warn'), crit: rangeAt('crit') }
}

const STATE_OF = { crit: 'critical', warn: 'warning' } as const

const breachOf = (
  metric: Metric,
  { labels, value }: MetricReading['samples'][number],
  ranges: Ranges,
  isBlocked: boolean,
): readonly Breach[] => {
  if (value === null) {
    // Otherwise null means that the metric does not apply, such as the lag of a server without standbys.
    const isMissed = isBlocked && LEVELS.some((level) => ranges[level] !== undefined)
    return isMissed ? [{ state: 'unknown', metric, labels, value, range: undefined }] : []
  }
  const level = (['crit', 'warn'] as const).find((one) => {
    const range = ranges[one]
    return range !== undefined && alertsOn(range, value)
  })
  return level === undefined ? [] : [{ state: STATE_OF[level], metric, labels, value, range: ranges[level] }]
}
