import { quantityOrDash } from '../../quantity.js'
import type { MetricReading, MetricsReport } from '../../report.js'
import { nameOf } from '../../sample-name.js'
import { html, type Markup } from './markup.js'
import { table } from './table-markup.js'

export const chartId = (index: number): string => `chart-${index + 1}`

/** A metric with its chart, and a table that says the same. */
export const chartSection = ({ metric, samples }: MetricReading, { buckets }: MetricsReport, id: string): Markup =>
  html`<section>
    <h2>${metric.title}</h2>
    <p class="soft">${metric.help}</p>
    <figure
      id="${id}"
      class="chart"
      role="img"
      aria-label="Chart of ${metric.title}; the values are in the table below it."
    ></figure>
    <details>
      <summary>Values of the chart</summary>
      ${table(
        ['begins (UTC)', ...samples.map((sample) => nameOf(metric, sample))],
        buckets.map((start, index) => [
          start.toISOString().slice(0, 19).replace('T', ' '),
          ...samples.map(({ series }) => quantityOrDash(series?.[index] ?? null, metric.unit)),
        ]),
      )}
    </details>
  </section> `

/** What the script draws. Each chart goes on to the end of the window, so that the last bucket has its width. */
export const chartData = (readings: readonly MetricReading[], { buckets, until, now }: MetricsReport): unknown =>
  readings.map(({ metric, samples }, index) => ({
    id: chartId(index),
    unit: metric.unit,
    times: [...buckets, until ?? now].map((at) => at.getTime() / 1_000),
    series: samples.map((sample) => ({
      label: nameOf(metric, sample),
      values: [...(sample.series ?? []), sample.series?.at(-1) ?? null],
    })),
  }))
