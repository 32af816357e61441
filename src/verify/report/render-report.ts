import { describeServerRole } from '../../database/replication/describe-server-role.js'
import { printable } from '../../terminal/printable.js'
import { count, duration, type Render } from '../../terminal/render.js'
import type { Expectation } from '../expectation.js'
import { isFailing, type Severity } from '../severity.js'
import type { GuestColumn } from '../facts/guest-columns.js'
import type { VerifyReport } from '../verify-report.js'
import { findingLines } from './finding-lines.js'
import { again, describeSteps, type TargetNaming } from '../../next-step.js'

/** A report, and what it is about. */
export interface NamedReport extends VerifyReport {
  readonly target: string
  readonly database: string
  readonly expect: Expectation
  readonly failOn: Severity
  /** What the flags added to the checks, in words, such as `the probe as "crm_app"`. */
  readonly alsoChecked: readonly string[]
  /** How the run names its database, for the commands in the report. */
  readonly naming: TargetNaming | undefined
}

/** The table of columns, all findings, and the verdict last. */
export const renderReport = (report: NamedReport, render: Render): string => {
  const { target, serverVersion, standby, survival, schema, columns, findings, alsoChecked } = report
  const server = `PostgreSQL ${serverVersion.replace(/ .*/, '')}${standby.isStandby ? ` ${describeServerRole(standby)}` : ''}`
  return [
    printable(`verify  ${target}  ${server}  schema ${schema}`),
    '',
    columnTable(columns, render),
    '',
    ...findingLines(findings, report.naming, render),
    survival.text,
    ...(alsoChecked.length === 0 ? [] : [printable(`also checked: ${alsoChecked.join(', ')}`)]),
    renderVerdict(report, render),
  ].join('\n')
}

/** The table of the three guest columns, with the expected values. */
const columnTable = (columns: readonly GuestColumn[], render: Render): string =>
  render.table(
    ['column_name', 'data_type', 'is_nullable', 'expected', 'result'],
    columns.map(({ column_name, data_type, is_nullable, expected, ok }) => [
      column_name,
      printable(data_type ?? 'absent'),
      is_nullable ?? '',
      expected,
      ok ? 'ok' : render.paint.red('FAIL'),
    ]),
  )

const STATE_WORDS: Readonly<Record<Expectation, string>> = {
  migrated: 'migrated',
  'rolled-back': 'rolled back',
}

/** The result and the next command. */
export const renderVerdict = (report: NamedReport, { paint }: Render): string => {
  const { ok, database, naming, summary, durationMs, findings, failOn } = report
  const next = report.next === null ? undefined : printable(describeSteps(report.next, naming))
  const { checks, errors, warnings, notes, unknown } = summary
  const skipped = report.skipped.length
  const figures = [
    ...(ok ? [count(checks - skipped, 'check')] : []),
    count(errors, 'error'),
    count(warnings, 'warning'),
    ...(notes === 0 ? [] : [count(notes, 'note')]),
    ...(skipped === 0 ? [] : [`${count(skipped, 'check')} skipped`]),
    ...(unknown === 0 ? [] : [`${unknown} of ${count(checks, 'check')} unknown`]),
  ].join(', ')
  const end = `${stateOf(report, printable(database))}: ${figures} (${duration(durationMs)})`
  const following = summary.warnings > 0 && next !== undefined ? `. Next: ${next}` : ''
  if (ok) return `${paint.green('ok:')} ${end}${following}`
  if (unknown > 0 && !findings.some((found) => isFailing(found, failOn)))
    return `${paint.yellow('unknown:')} ${end}. Next: ${next ?? describeSteps(again(), naming)}`
  return `${paint.red('FAIL:')} ${end}. Next: ${next ?? describeSteps(again('--json'), naming)}`
}

// The database may be sound although what the flags name is not.
const stateOf = ({ ok, expect, findings, failOn }: NamedReport, database: string): string => {
  const known = findings.filter(({ isUnknown }) => isUnknown !== true)
  const wrong = [...new Set(known.filter(({ severity }) => severity === 'error').map(({ check }) => check))]
  const reasons = wrong.map((check) => OUTSIDE[check])
  if (reasons.includes(undefined)) return `${database} is not ${STATE_WORDS[expect]} as it should be`
  const state = `${database} is ${STATE_WORDS[expect]}`
  if (reasons.length > 0) return `${state}, but ${reasons.join(', and ')}`
  if (ok) return state
  if (!known.some((found) => isFailing(found, failOn)))
    return `${database} may be ${STATE_WORDS[expect]}, but not all of it could be read`
  return `${state}, but a finding fails this check (--fail-on ${failOn})`
}

/** Checks of what is not the database itself. */
const OUTSIDE: Readonly<Partial<Record<string, string>>> = {
  'application-schema': "the application's models do not fit it",
  'application-role': 'the role of the application cannot use it',
  probe: 'the probe failed',
  standbys: 'every commit waits for a standby',
}
