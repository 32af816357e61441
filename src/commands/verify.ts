import { resolve } from 'node:path'
import { Command, Option } from '@commander-js/extra-typings'
import { parseDurationBetween } from '../cli/bounded-duration.js'
import type { CommandResult, Run } from '../cli/command.js'
import { withDatabaseFlags } from '../cli/flags.js'
import type { Render } from '../cli/render.js'
import type { Expectation } from '../verify/expectation.js'
import type { Finding } from '../verify/finding.js'
import type { GuideColumn } from '../verify/guide-columns.js'
import type { VerifyReport } from '../verify/verify-database.js'

const DETAILS = `
Errors make the answer "no" (exit 1); warnings are shown and do not, unless --fail-on warning. Warnings are what the
database works with and somebody should look at: guests' messages whose client exists but is not linked, messages of
nobody, an archive that waits to be put back, settings that risk what was committed. Nothing is changed: the server
keeps the session read-only. What a finding means, and how to mend it: chatkeep explain CODE.

Examples:
  chatkeep verify                            is the guest-chat update there, whole and sound?
  chatkeep verify --expect rolled-back       is it gone, whole?
  chatkeep verify --application-role crm     may the application do what it must, and does it see all?
  chatkeep verify --json --fail-on warning   for a pipeline that wants to hear of warnings, too`

export const verifyCommand = (run: Run) =>
  withDatabaseFlags(new Command('verify'))
    .summary('check that the database is as expected, and say what is not')
    .description('Compares the database with what chatkeep needs: columns, indexes, history, and the data itself.')
    .addOption(
      new Option('--expect <state>', 'the state that the database should be in')
        .choices(['migrated', 'rolled-back'] as const)
        .default('migrated' as const),
    )
    .addOption(
      new Option('--fail-on <severity>', 'the least severity that makes the answer "no"')
        .choices(['error', 'warning'] as const)
        .default('error' as const),
    )
    .option('--migrations <dir>', 'compare with the migrations in this folder instead of those that come with chatkeep')
    .option('--application-role <name>', "check the rights of the application's role, too, and that it sees every row")
    .addOption(
      new Option('--statement-timeout <duration>', 'how long the server may work on one question')
        .argParser(parseDurationBetween('10ms', '1d'))
        .default(30_000, '30s'),
    )
    .addHelpText('after', DETAILS)
    .action(
      run((context, options) =>
        context.withTarget(options, 'direct', async (target): Promise<CommandResult> => {
          const { verifyDatabase } = await import('../verify/verify-database.js')
          const { describeTarget } = await import('../database/connection-target.js')
          const report = await verifyDatabase(target, {
            expectation: options.expect,
            applicationRole: options.applicationRole,
            failOn: options.failOn,
            migrationsFolder: options.migrations === undefined ? undefined : resolve(context.cwd, options.migrations),
            statementTimeoutMs: options.statementTimeout,
            signal: context.signal,
          })
          return toResult({
            ...report,
            target: describeTarget(target),
            database: target.database,
            expect: options.expect,
          })
        }),
      ),
    )

interface NamedReport extends VerifyReport {
  readonly target: string
  readonly database: string
  readonly expect: Expectation
}

type Words = typeof import('../cli/render.js')

const toResult = async (report: NamedReport): Promise<CommandResult> => {
  const words = await import('../cli/render.js')
  const { target, schema, serverVersion, expect, columns, findings, next, summary, durationMs } = report
  return {
    exitCode: report.ok ? 0 : 1,
    data: { target, schema, serverVersion, expect, columns, findings, next, summary, durationMs },
    text: (render) =>
      [
        words.printable(`verify  ${target}  PostgreSQL ${serverVersion.replace(/ .*/, '')}  schema ${schema}`),
        '',
        columnTable(columns, render, words),
        '',
        ...findings.flatMap((finding) => [...findingLines(finding, render, words), '']),
        ...explainLines(findings),
        verdict(report, render, words),
      ].join('\n'),
  }
}

/** Step 2 of the update guide, with what is expected beside what is. */
const columnTable = (columns: readonly GuideColumn[], render: Render, { printable }: Words): string =>
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

const findingLines = (finding: Finding, { paint }: Render, { printable }: Words): readonly string[] => {
  const { code, severity, object, expected, actual, sample, help } = finding
  const colours = { error: paint.red, warning: paint.yellow, note: paint.cyan }
  return [
    `${colours[severity](severity)} ${code}: ${printable(object)}`,
    `  expected  ${printable(expected)}`,
    `  actual    ${printable(actual)}`,
    ...(sample.length === 0 ? [] : [`  rows      id ${sample.join(', ')}`]),
    `  next      ${printable(help)}`,
  ]
}

// Once, since the code stands before each finding.
const explainLines = (findings: readonly Finding[]): readonly string[] => {
  const [first] = findings
  return first === undefined ? [] : [`More on a finding: chatkeep explain ${first.code}`, '']
}

const STATE_WORDS: Readonly<Record<Expectation, string>> = { migrated: 'migrated', 'rolled-back': 'rolled back' }

const verdict = (report: NamedReport, { paint }: Render, { count, duration, printable }: Words): string => {
  const { ok, database, expect, next, summary, durationMs } = report
  const { checks, errors, warnings, notes } = summary
  const figures = [
    ...(ok ? [count(checks, 'check')] : []),
    count(errors, 'error'),
    count(warnings, 'warning'),
    ...(notes === 0 ? [] : [count(notes, 'note')]),
  ].join(', ')
  const state = `${printable(database)} is ${errors === 0 ? '' : 'not '}${STATE_WORDS[expect]}${errors === 0 ? '' : ' as it should be'}`
  const end = `${state}: ${figures} (${duration(durationMs)})`
  const following = summary.warnings > 0 && next !== null ? `. Next: ${printable(next)}` : ''
  if (ok) return `${paint.green('ok:')} ${end}${following}`
  return `${paint.red('FAIL:')} ${end}. Next: ${printable(next ?? 'chatkeep verify --json')}`
}
