import { describeBlockage, endBlockers, type Blockage } from '../../../database/blockers.js'
import { describeServerRole } from '../../../database/replication/describe-server-role.js'
import { labelledSteps, type TargetNaming } from '../../../next-step.js'
import { printable } from '../../../terminal/printable.js'
import { duration, type Render } from '../../../terminal/render.js'
import type { MetricReading, MetricsReport } from '../../report.js'
import type { ShownReport } from '../../shown-report.js'
import { renderChart } from '../chart/render-chart.js'
import { momentLines, momentTable } from './moment.js'
import { toRows, type Row } from './row.js'
import { windowTable } from './window-table.js'

/** Rows that a screen of 24 lines has room for, under the head of the report and above its verdict. */
const FULL_SCREEN = 15

/**
 * The report for people: what was counted in the window as a table, and below it what describes the moment. Where each value
 * has no line of its own on one screen, zeros are put together, and so are the values of a metric of the moment.
 */
export const renderTable = ({ report, target, naming }: Omit<ShownReport, 'verdict'>, render: Render): string => {
  const rows = toRows(report)
  const isLong = rows.length > FULL_SCREEN
  const isQuiet = ({ metric }: Row): boolean => rows.filter((row) => row.metric === metric).every(isZero)
  const quiet = isLong ? rows.filter(isQuiet) : []
  const loud = rows.filter((row) => !quiet.includes(row))
  const inWindow = loud.filter(({ metric }) => metric.window === 'since')
  const ofMoment = loud.filter(({ metric }) => metric.window === 'all time')
  const charted = chartedReading(report)
  const inTable = charted === undefined ? report : { ...report, buckets: [] }
  const parts = [
    headLines(report, target, inWindow.length > 0),
    inWindow.length === 0 ? [] : [windowTable(inWindow, inTable, render)],
    charted === undefined ? [] : [renderChart(charted, report, render)],
    ofMoment.length === 0 ? [] : isLong ? momentLines(ofMoment, render) : [momentTable(ofMoment, render)],
    quietLines(quiet),
    report.blockage === undefined ? [] : blockedLines(report.blockage, naming, render),
  ]
  return parts
    .filter(({ length }) => length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

/** The only metric of a report with buckets, which has a chart instead of a sparkline. */
const chartedReading = ({ metrics, buckets }: MetricsReport): MetricReading | undefined =>
  metrics.length === 1 && buckets.length > 1 ? metrics.find(({ metric }) => metric.window === 'since') : undefined

const headLines = (
  { since, until, now, windowMs, comparedMs, standby }: MetricsReport,
  target: string,
  hasWindow: boolean,
): readonly string[] => {
  const compared = comparedMs === undefined ? '' : `, compared with ${duration(comparedMs)} before`
  return [
    `metrics  ${target}  ${standby.isStandby ? `${describeServerRole(standby)}  ` : ''}${now.toISOString()}`,
    ...(hasWindow
      ? [
          `window   ${duration(windowMs)}: since ${since.toISOString()} until ${until?.toISOString() ?? 'now'}${compared}`,
        ]
      : []),
  ]
}

/** Nothing happened, then or now, or nothing applies. */
const isZero = ({ sample: { value, compared, series = [] } }: Row): boolean =>
  [value, compared ?? null, ...series].every((one) => one === null || one === 0)

const quietLines = (rows: readonly Row[]): readonly string[] => {
  const named = (label: string, found: readonly Row[]): readonly string[] =>
    found.length === 0 ? [] : [`${label.padEnd(8)} ${[...new Set(found.map(({ metric }) => metric.title))].join(', ')}`]
  return [
    ...named(
      'zero',
      rows.filter(({ sample }) => sample.value !== null),
    ),
    ...named(
      'no value',
      rows.filter(({ sample }) => sample.value === null),
    ),
  ]
}

const blockedLines = (blockage: Blockage, naming: TargetNaming | undefined, { paint }: Render): readonly string[] => [
  `${paint.yellow('unknown:')} ${printable(describeBlockage(blockage))}`,
  ...labelledSteps(endBlockers(blockage.blockers), naming).map(
    ({ label = 'next', text }) => `${paint.cyan(`${label}:`)} ${printable(text)}`,
  ),
]
