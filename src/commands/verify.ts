import { resolve } from 'node:path'
import { Command, Option } from '@commander-js/extra-typings'
import { parseDurationBetween } from '../cli/bounded-duration.js'
import type { CommandContext, CommandResult, Run } from '../cli/command.js'
import { withDatabaseFlags } from '../cli/flags.js'
import type { Render } from '../terminal/render.js'
import { OperatorError } from '../errors.js'
import type { ApplicationSchema } from '../verify/models/model.js'
import type { Expectation } from '../verify/expectation.js'
import type { Severity } from '../verify/severity.js'
import type { NamedReport } from '../verify/report/render-report.js'
import type { CheckedFinding } from '../verify/verify-database.js'

const DETAILS = `
Errors make the answer "no" (exit 1); warnings and notes are shown and do not, unless --fail-on says so. Warnings are
what the database works with and somebody should look at: guests' messages whose client exists but is not linked,
messages of nobody, an archive that waits to be put back, settings that risk what was committed. Nothing is changed:
the server keeps the session read-only. What a finding means, and how to mend it: chatkeep explain CODE.

--probe writes, and takes it back: a guest's first message, the same again, one without a name, an operator's answer,
history, recent chats, mark as read, by the code that serve and the library use, in one transaction that is rolled back.
It finds what no catalog shows: triggers, rules and policies that swallow or hide messages, missing rights, sequences at
their end. It uses up some values of sequences, and fires the application's triggers; NOTIFY is not sent. While it runs
(some milliseconds; longer over a slow line) a few other new guests may wait for it. With a role, it has only that
role's rights: name the one of the application.

--application-schema compares the models of Prisma for "Client", "ChatMessage" and "User" with the tables: a field that
must have a value where the column may have none fails when such a row is read.

Examples:
  chatkeep verify                                      is the guest-chat update there, whole and sound?
  chatkeep verify --expect rolled-back                 is it gone, whole?
  chatkeep verify --application-role crm_app           may the application do what it must, and does it see all?
  chatkeep verify --probe crm_app                      can the application's role do what guests need?
  chatkeep verify --application-schema prisma/schema.prisma --format github
  chatkeep verify --format junit --fail-on warning     for a pipeline that wants to hear of warnings, too`

export const verifyCommand = (run: Run) =>
  withDatabaseFlags(new Command('verify'))
    .summary('check that the database is as expected, and say what is not')
    .description('Compares the database with what chatkeep needs: columns, indexes, history, and the data itself.')
    .addOption(
      new Option('--format <format>', 'how to answer; json is what --json prints (default: table)').choices([
        'table',
        'json',
        'junit',
        'github',
      ] as const),
    )
    .addOption(
      new Option('--expect <state>', 'the state that the database should be in')
        .choices(['migrated', 'rolled-back'] as const)
        .default('migrated' as const),
    )
    .addOption(
      new Option('--fail-on <severity>', 'the least severity that makes the answer "no"')
        .choices(['error', 'warning', 'note'] as const)
        .default('error' as const),
    )
    .option('--probe [role]', 'also do what guests do, in a transaction that is rolled back; as this role')
    .option(
      '--application-schema <path>',
      "also compare the application's schema.prisma, or a folder of *.prisma files",
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
        inFormat(context, chosenFormat(options), async () => {
          refuseContradictions(options)
          const path = options.applicationSchema
          const models = path === undefined ? undefined : await readModels(path, context)
          return context.withTarget(options, 'direct', async (target): Promise<CommandResult> => {
            const { verifyDatabase } = await import('../verify/verify-database.js')
            const { describeTarget } = await import('../database/connection-target.js')
            const report = await verifyDatabase(target, {
              expectation: options.expect,
              applicationRole: options.applicationRole,
              failOn: options.failOn,
              migrationsFolder: options.migrations === undefined ? undefined : resolve(context.cwd, options.migrations),
              probe:
                options.probe === undefined
                  ? undefined
                  : { role: options.probe === true ? options.applicationRole : options.probe },
              applicationSchema: models,
              statementTimeoutMs: options.statementTimeout,
              signal: context.signal,
            })
            const named = { ...report, target: describeTarget(target), database: target.database }
            return toResult({ ...named, expect: options.expect, failOn: options.failOn }, chosenFormat(options))
          })
        }),
      ),
    )

type Format = 'table' | 'json' | 'junit' | 'github'

const chosenFormat = ({ json, format }: { json?: true | undefined; format?: Format | undefined }): Format =>
  format ?? (json === true ? 'json' : 'table')

const refuseContradictions = (options: {
  readonly json?: true | undefined
  readonly format?: Format | undefined
  readonly expect: Expectation
  readonly probe?: string | true | undefined
}): void => {
  const { json, format, expect, probe } = options
  if (json === true && format !== undefined && format !== 'json')
    throw new OperatorError('usage', `--json and --format ${format} exclude each other`)
  if (probe !== undefined && expect === 'rolled-back')
    throw new OperatorError(
      'usage',
      '--probe and --expect rolled-back exclude each other: there are no guests to probe',
    )
}

const readModels = async (path: string, { cwd }: CommandContext): Promise<ApplicationSchema> => {
  const { readApplicationSchema } = await import('../verify/models/application-schema.js')
  return readApplicationSchema(path, resolve(cwd, path))
}

// A pipeline reads the document it asked for also when the question could not be asked.
const inFormat = async (
  { stdout }: CommandContext,
  format: Format,
  work: () => Promise<CommandResult>,
): Promise<CommandResult> => {
  try {
    return await work()
  } catch (error) {
    const { toErrorDocument } = await import('../cli/report-error.js')
    const { renderErrorIn } = await import('../verify/report/render-error.js')
    const text = renderErrorIn(format, toErrorDocument(error))
    if (text !== undefined) stdout.write(`${text}\n`)
    throw error
  }
}

const toResult = async (
  report: NamedReport & { readonly failOn: Severity },
  format: Format,
): Promise<CommandResult> => {
  const { renderReport, renderVerdict } = await import('../verify/report/render-report.js')
  const { renderJunit } = await import('../verify/report/render-junit.js')
  const { renderAnnotation } = await import('../verify/report/render-github.js')
  const { target, schema, serverVersion, expect, columns, checks, findings, next, summary, durationMs } = report
  const documents = findings.map(toDocument)
  const text = (render: Render): string => {
    if (format === 'junit') return renderJunit(report)
    if (format === 'github') return [...findings.map(renderAnnotation), renderVerdict(report, render)].join('\n')
    return renderReport(report, render)
  }
  return {
    exitCode: report.ok ? 0 : 1,
    data: { target, schema, serverVersion, expect, columns, checks, findings: documents, next, summary, durationMs },
    text,
  }
}

// A field that a finding does not have is null in a document, not missing.
const toDocument = (found: CheckedFinding) => ({
  ...found,
  place: found.place ?? null,
  diff: found.diff ?? null,
  sqlState: found.sqlState ?? null,
})
