import { describeSteps, labelledSteps, type TargetNaming } from '../../next-step.js'
import type { Finding } from '../finding.js'
import { excerptLines } from './excerpt-lines.js'

/** Longer diffs would scroll the verdict off the screen. */
export const MOST_DIFF_LINES = 20

/** A finding in lines of plain text: a headline, details, and the next command. Names from the database are not escaped. */
export const describeFinding = (
  { code, severity, isUnknown, object, expected, actual, sample, help, place, excerpt, diff }: Finding,
  naming: TargetNaming | undefined,
  mostDiffLines = Number.POSITIVE_INFINITY,
  width?: number,
): readonly string[] => [
  `${isUnknown === true ? 'unknown' : severity} ${code}: ${object}`,
  ...(excerpt === undefined ? [] : excerptLines(excerpt, width)),
  `  expected  ${expected}`,
  `  actual    ${actual}`,
  ...(place === undefined ||
  object.startsWith(describePlace(place)) ||
  describeSteps(help).includes(describePlace(place))
    ? []
    : [`  at        ${describePlace(place)}`]),
  ...(sample.length === 0 ? [] : [`  rows      id ${sample.join(', ')}`]),
  ...(diff === undefined ? [] : diffLines(diff, mostDiffLines)),
  ...labelledSteps(help, naming).map(({ label = 'next', text }) => `  ${label.padEnd(9)} ${text}`),
]

const describePlace = ({ file, line }: NonNullable<Finding['place']>): string =>
  line === null ? file : `${file}:${line}`

const diffLines = (diff: string, most: number): readonly string[] => {
  const lines = diff.trimEnd().split('\n')
  // A note about one omitted line would take as much space as the line.
  const shown = lines.length > most + 1 ? lines.slice(0, most) : lines
  const left = lines.length - shown.length
  return [...shown, ...(left === 0 ? [] : [`… ${left} more lines: --json`])].map((line) => `    ${line}`)
}
