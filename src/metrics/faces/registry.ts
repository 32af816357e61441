import { Gauge, Registry } from 'prom-client'
import type { MetricReading, MetricsReport, Sample } from '../report.js'
import type { Verdict } from '../thresholds/judge.js'
import type { Threshold } from '../thresholds/threshold.js'

/** Content types of the two text formats. */
export const PROMETHEUS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE
export const OPENMETRICS_TYPE = Registry.OPENMETRICS_CONTENT_TYPE

/** What the metric of this name is called in Prometheus. */
export const prometheusName = (name: string): string => `chatkeep_${name}`

/** A registry with a gauge for each metric of the report. */
export const toRegistry = (report: MetricsReport): Registry => {
  const registry = new Registry()
  setGauges(report, registry)
  return registry
}

/** Sets the gauges of a report in a registry that may have other metrics, too. A value that is null has no sample. */
export const setGauges = ({ metrics, windowMs }: MetricsReport, registry: Registry): void => {
  setGauge(registry, WINDOW_LENGTH, [{ labels: {}, value: windowMs / 1_000 }])
  for (const { metric, samples } of metrics) {
    const { name, help, window } = metric
    setGauge(registry, { name, help: window === 'since' ? `${help} ${IN_WINDOW}` : help }, samples)
  }
}

/** Sets how many values breach a threshold: a sample for each metric and severity that has a threshold. */
export const setBreaches = (registry: Registry, thresholds: readonly Threshold[], { breaches }: Verdict): void => {
  const counts = new Map<string, Sample>()
  for (const { metric, level } of thresholds) {
    const severity = SEVERITY[level]
    const value = breaches.filter((breach) => breach.metric.name === metric && breach.state === severity).length
    counts.set(`${metric} ${severity}`, { labels: { metric, severity }, value })
  }
  setGauge(registry, BREACHES, [...counts.values()])
}

const SEVERITY = { warn: 'warning', crit: 'critical' } as const

/** The text format 0.0.4 of Prometheus. */
export const prometheusText = (registry: Registry): Promise<string> => registry.metrics()

/**
 * OpenMetrics 1.0. Made from the other text: when prom-client writes it, it takes `_total` off the names of the counters for
 * good, so that the next answer in the other format has the wrong names.
 */
export const openMetricsText = async (registry: Registry): Promise<string> => {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '')
  return [...lines.map(toOpenMetrics), '# EOF', ''].join('\n')
}

const toOpenMetrics = (line: string): string => {
  const { keyword, name = '', rest = '' } = DESCRIPTOR.exec(line)?.groups ?? {}
  if (keyword === undefined) return line
  // The lines that describe a counter have its name without `_total`. A gauge must not end in it.
  const family = name.replace(/_total$/, '')
  if (keyword === 'HELP') return `# HELP ${family} ${rest.replaceAll('"', String.raw`\"`)}`
  const [, unit] = /_(seconds|bytes|ratio)$/.exec(family) ?? []
  return [`# TYPE ${family} ${rest}`, ...(unit === undefined ? [] : [`# UNIT ${family} ${unit}`])].join('\n')
}

const DESCRIPTOR = /^# (?<keyword>HELP|TYPE) (?<name>\S+) (?<rest>.*)$/

/**
 * A gauge that is set as a whole. prom-client's own has a value of 0 until it is set, and keeps only one of two samples whose
 * labels read the same when they are joined by commas.
 */
class ReadGauge extends Gauge {
  samples: MetricReading['samples'] = []

  override async get() {
    const values = this.samples.flatMap(({ labels, value }) =>
      value === null ? [] : [{ labels: { ...labels }, value }],
    )
    return { ...(await super.get()), values }
  }
}

const BREACHES = {
  name: 'threshold_breaches',
  help: 'Values of a metric that breach its threshold of this severity. No thresholds, no sample.',
}
const WINDOW_LENGTH = { name: 'window_seconds', help: 'Length of the window that metrics count in.' }
const IN_WINDOW = `Counted in the window of ${prometheusName(WINDOW_LENGTH.name)}.`

const setGauge = (
  registry: Registry,
  metric: { readonly name: string; readonly help: string },
  samples: MetricReading['samples'],
): void => {
  const name = prometheusName(metric.name)
  const found = registry.getSingleMetric(name)
  const gauge = found instanceof ReadGauge ? found : new ReadGauge({ name, help: metric.help, registers: [registry] })
  gauge.samples = samples
}
