import type { Metric } from '../../src/metrics/metric.js'
import type { MetricsReport, Sample } from '../../src/metrics/report.js'

/** A metric for reports that are made by hand; nothing reads it. */
export const metricOf = (parts: Partial<Metric> & Pick<Metric, 'name'>): Metric => ({
  title: parts.name.replaceAll('_', ' '),
  help: `What ${parts.name} means.`,
  unit: 'count',
  window: 'since',
  reads: 'nothing',
  select: () => 'SELECT 1 AS "value"',
  ...parts,
})

/** A report of a day, of these metrics with their samples. */
export const reportOf = (
  metrics: readonly (readonly [Metric, readonly Sample[]])[],
  frame: Partial<MetricsReport> = {},
): MetricsReport => ({
  since: new Date('2026-11-27T12:00:00Z'),
  until: undefined,
  now: new Date('2026-11-28T12:00:00Z'),
  windowMs: 86_400_000,
  buckets: [],
  comparedMs: undefined,
  metrics: metrics.map(([metric, samples]) => ({ metric, samples })),
  blockage: undefined,
  standby: { isStandby: false, behindS: null, isDetached: false },
  ...frame,
})
