import type { Metric, Unit } from '../../../../src/metrics/metric.js'
import type { MetricsReport, Sample } from '../../../../src/metrics/report.js'

/** A metric that no query reads. */
export const metricOf = (name: string, unit: Unit = 'count', labels?: readonly string[]): Metric => ({
  ...{ name, title: name.replaceAll('_', ' '), help: 'Made up.', unit, window: 'all time', reads: 'nothing' },
  ...(labels === undefined ? {} : { labels }),
  select: () => '',
})

/** A report with these values. */
export const reportOf = (
  ...readings: readonly (readonly [Metric, ...(number | null | Sample)[]])[]
): MetricsReport => ({
  ...{ since: new Date(0), until: undefined, now: new Date(0), windowMs: 0, buckets: [], comparedMs: undefined },
  metrics: readings.map(([metric, ...values]) => ({
    metric,
    samples: values.map((value) => (typeof value === 'object' && value !== null ? value : { labels: {}, value })),
  })),
  blockage: undefined,
  standby: { isStandby: false, behindS: null, isDetached: false },
})
