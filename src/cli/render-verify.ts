import { count, duration, printable, type Render } from '../terminal/render.js'

/** A report of verify as far as its screen goes. */
export interface ReportView {
  readonly ok: boolean
  readonly target: string
  readonly database: string
  readonly schema: string
  readonly serverVersion: string
  readonly expect: 'migrated' | 'rolled-back'
  readonly columns: readonly ColumnView[]
  /** The gravest first. */
  readonly findings: readonly FindingView[]
  readonly next: string | null
  readonly summary: {
    readonly checks: number
    readonly errors: number
    readonly warnings: number
    readonly notes: number
  }
  readonly durationMs: number
}

interface ColumnView {
  readonly column_name: string
  readonly data_type: string | null
  readonly is_nullable: string | null
  readonly expected: string
  readonly ok: boolean
}

interface FindingView {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'note'
  /** The check that found it. */
  readonly check: string
}

/**
 * The guide's table, then every finding, and the verdict last.
 * @param described the findings in words: a headline that begins with the severity, then facts
 */
export const renderReport = (report: ReportView, described: readonly (readonly string[])[], render: Render): string => {
  const { target, serverVersion, schema, columns, findings } = report
  return [
    printable(`verify  ${target}  PostgreSQL ${serverVersion.replace(/ .*/, '')}  schema ${schema}`),
    '',
    columnTable(columns, render),
    '',
    ...findings.flatMap((found, index) => [...paintLines(found, described[index] ?? [], render), '']),
    ...explainLines(findings),
    renderVerdict(report, render),
  ].join('\n')
}

/** Step 2 of the update guide, with what is expected beside what is. */
const columnTable = (columns: readonly ColumnView[], render: Render): string =>
  render.table(
    ['column_name', 'data_type', 'is_nullable', 'expected', ''],
    columns.map(({ column_name, data_type, is_nullable, expected, ok }) => [
      column_name,
      printable(data_type ?? 'absent'),
      is_nullable ?? '',
      expected,
      ok ? 'ok' : render.paint.red('FAIL'),
    ]),
  )

const paintLines = (
  { severity }: FindingView,
  [headline = '', ...facts]: readonly string[],
  { paint }: Render,
): readonly string[] => {
  const colours = { error: paint.red, warning: paint.yellow, note: paint.cyan }
  return [
    `${colours[severity](severity)}${printable(headline.slice(severity.length))}`,
    ...facts.map((line) => paintDiff(printable(line), paint)),
  ]
}

// Once, since the code stands before each finding.
const explainLines = (findings: readonly FindingView[]): readonly string[] => {
  const [first] = findings
  return first === undefined ? [] : [`More on a finding: chatkeep explain ${first.code}`, '']
}

const paintDiff = (line: string, paint: Render['paint']): string => {
  if (line.startsWith('    +')) return paint.green(line)
  return line.startsWith('    -') ? paint.red(line) : line
}

const STATE_WORDS: Readonly<Record<ReportView['expect'], string>> = {
  migrated: 'migrated',
  'rolled-back': 'rolled back',
}

/** What it comes to, and what to type next. */
export const renderVerdict = (report: ReportView, { paint }: Render): string => {
  const { ok, database, next, summary, durationMs } = report
  const { checks, errors, warnings, notes } = summary
  const figures = [
    ...(ok ? [count(checks, 'check')] : []),
    count(errors, 'error'),
    count(warnings, 'warning'),
    ...(notes === 0 ? [] : [count(notes, 'note')]),
  ].join(', ')
  const end = `${stateOf(report, printable(database))}: ${figures} (${duration(durationMs)})`
  const following = summary.warnings > 0 && next !== null ? `. Next: ${printable(next)}` : ''
  if (ok) return `${paint.green('ok:')} ${end}${following}`
  return `${paint.red('FAIL:')} ${end}. Next: ${printable(next ?? 'chatkeep verify --json')}`
}

// A database can be right and the application wrong about it.
const stateOf = ({ expect, findings }: ReportView, database: string): string => {
  const wrong = new Set(findings.filter(({ severity }) => severity === 'error').map(({ check }) => check))
  if (wrong.size === 0) return `${database} is ${STATE_WORDS[expect]}`
  if (wrong.size === 1 && wrong.has('application-schema'))
    return `${database} is ${STATE_WORDS[expect]}, but the application's models do not fit it`
  return `${database} is not ${STATE_WORDS[expect]} as it should be`
}
