import { printable } from '../terminal/printable.js'
import type { Render } from '../terminal/render.js'
import type { MetricsReport, MetricValue } from './read-metrics.js'

/** The report as one small table under a line that says what was read, and when. */
export const renderMetrics = (target: string, { since, now, metrics }: MetricsReport, render: Render): string => {
  const values = ['value', ...metrics.map(({ value }) => group(value))]
  const width = Math.max(...values.map(({ length }) => length))
  const rows = metrics.map((metric) => [
    titleOf(metric),
    group(metric.value).padStart(width),
    metric.windowMs === null ? 'all time' : `since ${since.toISOString()}`,
  ])
  return [
    `metrics  ${target}  ${now.toISOString()}`,
    '',
    render.table(['metric', 'value'.padStart(width), 'window'], rows),
  ].join('\n')
}

const group = (value: number): string => value.toLocaleString('en-US')

const titleOf = ({ title, labels }: MetricValue): string =>
  [title, ...Object.entries(labels).map(([label, text]) => `${label}=${printable(text)}`)].join(' ')
