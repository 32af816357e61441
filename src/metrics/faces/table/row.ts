import type { Metric } from '../../metric.js'
import type { MetricsReport, Sample } from '../../report.js'
import { quantity } from '../../quantity.js'
import { nameOf } from '../../sample-name.js'

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
      name: nameOf(metric, sample),
      value: sample.value === null ? (blockage === undefined ? '–' : 'unknown') : quantity(sample.value, metric.unit),
    })),
  )
