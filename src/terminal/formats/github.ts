import type { CheckResult, CheckResults } from '../answer.js'
import { errorLines } from '../error-document.js'
import { printable, withoutWorkflowCommands } from '../printable.js'
import type { OutputFormat } from './output-format.js'

/** Workflow commands of GitHub Actions: an annotation of the run for each finding, and of the file where it has a place. */
export const githubFormat: OutputFormat = {
  name: 'github',
  stderrIsFor: 'people',
  answer: (command, { checks, text }, render) =>
    checks === undefined
      ? withoutWorkflowCommands(text(render))
      : [
          ...checks.findings.map((found) => annotation(command, found)),
          ...skippedNotice(command, checks),
          withoutWorkflowCommands(checks.verdict(render)),
        ].join('\n'),
  error: (command, error) => workflowCommand('error', `chatkeep ${command ?? ''}: ${error.code}`, errorLines(error)),
}

type Level = 'error' | 'warning' | 'notice'

const annotation = (command: string, { severity, code, brief, place }: CheckResult): string =>
  workflowCommand(
    severity === 'note' ? 'notice' : severity,
    `chatkeep ${command}: ${code}`,
    brief.map(printable),
    place,
  )

const skippedNotice = (command: string, { skipped }: CheckResults): readonly string[] =>
  skipped.length === 0
    ? []
    : [
        workflowCommand(
          'notice',
          `chatkeep ${command}: skipped`,
          skipped.map(({ check, reason }) => printable(`${check}: ${reason}`)),
        ),
      ]

const workflowCommand = (
  level: Level,
  title: string,
  lines: readonly string[],
  place?: CheckResult['place'],
): string => {
  const properties = [
    ['title', title],
    ...(place === undefined ? [] : [['file', place.file] as const]),
    ...(place?.line == null ? [] : [['line', String(place.line)] as const]),
    ...(place?.column === undefined ? [] : [['col', String(place.column)] as const]),
  ].map(([name = '', value = '']) => `${name}=${escapeProperty(value)}`)
  return `::${level} ${properties.join(',')}::${escapeData(lines.join('\n'))}`
}

// Values of properties also escape the separators of properties.
const escapeProperty = (value: string): string => escapeData(value).replaceAll(':', '%3A').replaceAll(',', '%2C')

const escapeData = (value: string): string =>
  printable(withoutWorkflowCommands(value).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A'))
