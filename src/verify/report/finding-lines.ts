import { describeSteps, type TargetNaming } from '../../next-step.js'
import { printable } from '../../terminal/printable.js'
import type { Render } from '../../terminal/render.js'
import type { CheckedFinding } from '../verify-report.js'
import { describeFinding, MOST_DIFF_LINES } from './describe-finding.js'
import { paintFinding } from './paint-finding.js'

/** All findings for people, those without a result last. */
export const findingLines = (
  findings: readonly CheckedFinding[],
  naming: TargetNaming | undefined,
  render: Render,
): readonly string[] => [
  ...findings
    .filter(({ isUnknown }) => isUnknown !== true)
    .flatMap((found) => [...paintFinding(found, naming, render), '']),
  ...unknownLines(findings, naming, render),
  ...explainLines(findings),
]

// One lock most often stops many checks: it is shown once, with their names.
const unknownLines = (
  findings: readonly CheckedFinding[],
  naming: TargetNaming | undefined,
  { paint, width }: Render,
): readonly string[] => {
  const unknown = findings.filter(({ isUnknown }) => isUnknown === true)
  const ways = [...new Set(unknown.map(wayOf))]
  return ways.flatMap((way) => {
    const group = unknown.filter((found) => wayOf(found) === way)
    const [first] = group
    if (first === undefined) return []
    const object = group.map(({ check }) => check).join(', ')
    const [headline = '', ...facts] = describeFinding({ ...first, object }, naming, MOST_DIFF_LINES, width)
    return [`${paint.yellow('unknown')}${printable(headline.slice('unknown'.length))}`, ...facts.map(printable), '']
  })
}

const wayOf = ({ help, excerpt }: CheckedFinding): string => `${excerpt?.line ?? ''} ${describeSteps(help)}`

// Shown once: each finding starts with its code.
const explainLines = (findings: readonly CheckedFinding[]): readonly string[] => {
  const [first] = findings
  return first === undefined ? [] : [`More on a finding: chatkeep explain ${first.code}`, '']
}
