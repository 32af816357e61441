import type { TargetNaming } from '../../next-step.js'
import { printable } from '../../terminal/printable.js'
import type { Render } from '../../terminal/render.js'
import type { Finding } from '../finding.js'
import { describeFinding, MOST_DIFF_LINES } from './describe-finding.js'

/** A finding as it stands in a report. */
export const paintFinding = (
  found: Finding,
  naming: TargetNaming | undefined,
  { paint, width }: Render,
): readonly string[] => {
  const { severity } = found
  const [headline = '', ...facts] = describeFinding(found, naming, MOST_DIFF_LINES, width)
  const colours = { error: paint.red, warning: paint.yellow, note: paint.cyan }
  return [
    `${colours[severity](severity)}${printable(headline.slice(severity.length))}`,
    ...facts.map((line) => paintDiff(printable(line), paint)),
  ]
}

const paintDiff = (line: string, paint: Render['paint']): string => {
  if (line.startsWith('    +')) return paint.green(line)
  return line.startsWith('    -') ? paint.red(line) : line
}
