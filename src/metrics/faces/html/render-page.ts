import { createHash } from 'node:crypto'
import { describeBlockage } from '../../../database/blockers.js'
import { duration } from '../../../terminal/render.js'
import { bucketLength } from '../../buckets.js'
import { change, quantityOrDash } from '../../quantity.js'
import type { MetricReading, MetricsReport } from '../../report.js'
import { nameOf } from '../../sample-name.js'
import type { ShownReport } from '../../shown-report.js'
import type { Verdict } from '../../thresholds/judge.js'
import { describeBreach } from '../../thresholds/render-verdict.js'
import { chartData, chartId, chartSection } from './chart-section.js'
import { html, jsonMarkup, markup, type Markup } from './markup.js'
import { table } from './table-markup.js'
import type { PageAssets } from './page-assets.js'
import { PAGE_SCRIPT } from './page-script.js'
import { PAGE_STYLE } from './page-style.js'

/** The report as one HTML page that needs no other file and no network, and may run no script but its own. */
export const renderPage = ({ report, verdict, target }: ShownReport, { script, style }: PageAssets): string => {
  const courses = report.metrics.filter((reading) => hasCourse(reading, report))
  const charted = courses.filter(isEventful)
  const styles = `${style}\n${PAGE_STYLE}`
  // A page without charts needs no script.
  const scripts = charted.length === 0 ? [] : [`${script}\n${PAGE_SCRIPT}`]
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy(styles, scripts)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>Metrics of ${target}</title>
        ${inline('style', styles)}
      </head>
      <body>
        <h1>Metrics of the chat and its database</h1>
        ${facts(report, target)} ${verdictNote(verdict)} ${blockageNote(report)} ${windowSection(report)}
        ${charted.map((reading, index) => chartSection(reading, report, chartId(index)))}
        ${flatNote(courses.filter((reading) => !charted.includes(reading)))} ${momentSection(report)}
        <script type="application/json" id="charts">
          ${jsonMarkup(chartData(charted, report))}
        </script>
        ${scripts.map((text) => inline('script', text))}
      </body>
    </html>`
  return `${page.html}\n`
}

/** An element whose text is exactly what the policy has the hash of. */
const inline = (element: 'style' | 'script', text: string): Markup => markup(`<${element}>${text}</${element}>`)

const policy = (styles: string, scripts: readonly string[]): string => {
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  return [
    `default-src 'none'`,
    `style-src ${hash(styles)}`,
    ...scripts.map((text) => `script-src ${hash(text)}`),
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ')
}

const hasCourse = ({ metric, samples }: MetricReading, { buckets }: MetricsReport): boolean =>
  metric.window === 'since' && buckets.length > 0 && samples.some(({ series }) => series !== undefined)

/** A chart of a line at zero tells nothing. */
const isEventful = ({ samples }: MetricReading): boolean =>
  samples.some(({ series = [] }) => series.some((value) => value !== null && value !== 0))

const flatNote = (flat: readonly MetricReading[]): Markup =>
  flat.length === 0
    ? markup('')
    : html`<p>
        Without a chart, being zero or unknown throughout: ${flat.map(({ metric }) => metric.title).join(', ')}.
      </p>`

const facts = ({ since, until, now, windowMs, comparedMs, buckets }: MetricsReport, target: string): Markup => {
  const end = until?.toISOString() ?? 'now'
  const rows = [
    ['database', target],
    ['read', now.toISOString()],
    ['window', `${duration(windowMs)}: since ${since.toISOString()} until ${end}`],
    ...(comparedMs === undefined ? [] : [['compared with', `${duration(comparedMs)} before`]]),
    ...(buckets.length === 0 ? [] : [['charts', `by ${duration(bucketLength(buckets, windowMs))}, times in UTC`]]),
  ]
  return html`<dl>
    ${rows.map(
      ([term = '', text = '']) =>
        html`<dt>${term}</dt>
          <dd>${text}</dd> `,
    )}
  </dl>`
}

const verdictNote = ({ state, breaches }: Verdict): Markup =>
  html`<div class="verdict ${state}">
    <span class="state">${state.toUpperCase()}</span>
    ${breaches.length === 0 ? 'no value breaches a threshold' : ''}
    <ul>
      ${breaches.map((breach) => html`<li>${breach.state}: ${describeBreach(breach)}</li> `)}
    </ul>
  </div>`

const blockageNote = ({ blockage }: MetricsReport): Markup =>
  blockage === undefined
    ? markup('')
    : html`<div class="verdict unknown"><span class="state">unknown</span> ${describeBlockage(blockage)}</div>`

const windowSection = (report: MetricsReport): Markup => {
  const { comparedMs } = report
  const isCompared = comparedMs !== undefined
  const rows = report.metrics
    .filter(({ metric }) => metric.window === 'since')
    .flatMap(({ metric, samples }) =>
      samples.map((sample) => [
        nameOf(metric, sample),
        quantityOrDash(sample.value, metric.unit),
        ...(isCompared
          ? [
              quantityOrDash(sample.compared ?? null, metric.unit),
              change(sample.value, sample.compared ?? null, metric.unit) ?? '–',
            ]
          : []),
      ]),
    )
  return section(
    'In the window',
    ['metric', 'value', ...(isCompared ? [`${duration(comparedMs)} before`, 'change'] : [])],
    rows,
  )
}

const momentSection = ({ metrics }: MetricsReport): Markup =>
  section(
    'Now',
    ['metric', 'value'],
    metrics
      .filter(({ metric }) => metric.window === 'all time')
      .flatMap(({ metric, samples }) =>
        samples.map((sample) => [nameOf(metric, sample), quantityOrDash(sample.value, metric.unit)]),
      ),
  )

const section = (title: string, head: readonly string[], rows: readonly (readonly string[])[]): Markup =>
  rows.length === 0
    ? markup('')
    : html`<h2>${title}</h2>
        ${table(head, rows)}`
