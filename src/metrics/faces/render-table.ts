import { describeBlockage, endBlockers, type Blockage } from '../../database/blockers.js'
import { labelledSteps, type TargetNaming } from '../../next-step.js'
import { printable } from '../../terminal/printable.js'
import type { Render } from '../../terminal/render.js'
import type { Metric } from '../metric.js'
import type { Sample } from '../report.js'
import type { ShownReport } from './face.js'

/** The report as one small table under a line that says what was read, and when. */
export const renderTable = ({ report, target, naming }: ShownReport, render: Render): string => {
  const { since, now, metrics, blockage } = report
  const lines = metrics.flatMap(({ metric, samples }) => samples.map((sample) => ({ metric, sample })))
  const values = ['value', ...lines.map(({ sample }) => shown(sample.value))]
  const width = Math.max(...values.map(({ length }) => length))
  const rows = lines.map(({ metric, sample }) => [
    titleOf(metric, sample),
    shown(sample.value).padStart(width),
    metric.window === 'all time' ? 'all time' : `since ${since.toISOString()}`,
  ])
  return [
    `metrics  ${target}  ${now.toISOString()}`,
    '',
    render.table(['metric', 'value'.padStart(width), 'window'], rows),
    ...(blockage === undefined ? [] : ['', ...blockedLines(blockage, naming, render)]),
  ].join('\n')
}

const blockedLines = (blockage: Blockage, naming: TargetNaming | undefined, { paint }: Render): readonly string[] => [
  `${paint.yellow('unknown:')} ${printable(describeBlockage(blockage))}`,
  ...labelledSteps(endBlockers(blockage.blockers), naming).map(
    ({ label = 'next', text }) => `${paint.cyan(`${label}:`)} ${printable(text)}`,
  ),
]

const shown = (value: number | null): string => (value === null ? 'unknown' : value.toLocaleString('en-US'))

const titleOf = ({ title }: Metric, { labels }: Sample): string =>
  [title, ...Object.entries(labels).map(([label, text]) => `${label}=${printable(text)}`)].join(' ')
