import { printable } from '../../../terminal/printable.js'
import type { Metric } from '../../metric.js'
import type { MetricsReport, Sample } from '../../report.js'
import { quantity } from '../../quantity.js'

/** A sample of a metric, as people read it. */
export interface Row {
  readonly metric: Metric
  readonly sample: Sample
  /** The title, with the labels. */
  readonly name: string
  /** The value with its unit. */
  readonly value: string
}

export const toRows = ({ metrics, blockage }: MetricsReport): readonly Row[] =>
  metrics.flatMap(({ metric, samples }) =>
    samples.map((sample) => ({
      metric,
      sample,
      name: [metric.title, labelText(sample.labels)].filter((part) => part !== '').join(' '),
      value: sample.value === null ? (blockage === undefined ? '–' : 'unknown') : quantity(sample.value, metric.unit),
    })),
  )

/** Labels by their values, and by their names, too, where a value does not speak for itself. */
export const labelText = (labels: Sample['labels']): string =>
  Object.entries(labels)
    .map(([label, value]) => printable(/\p{L}/u.test(value) ? value : `${label} ${value}`))
    .join(' ')
