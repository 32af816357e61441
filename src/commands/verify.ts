import { Command, Option } from '@commander-js/extra-typings'
import { parseDurationBetween } from '../cli/duration.js'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withDatabaseFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { OUTPUT_FORMATS } from '../terminal/formats/index.js'

const NOTES = `
Errors fail the check (exit 1). Warnings and notes fail it only with --fail-on.
A warning is something that works but needs attention: unlinked guest messages,
messages without client or guest, an archive to restore, settings that risk
committed data. chatkeep explain CODE shows the cause and fix of a finding.

--probe saves and reads messages with the code that serve and the library use:
a guest's first message, a repeated one, one without a name, an operator's
answer, history, recent chats, mark as read. It finds problems that no catalog
shows: triggers, rules and policies that swallow or hide messages, missing
privileges, exhausted sequences. Its transaction is rolled back and sends no
NOTIFY, but advances sequences and fires the application's triggers. Other new
guests may wait for some milliseconds. Name the role of the application: the
probe then has only its privileges.

--application-schema compares the Prisma models of "Client", "ChatMessage" and
"User" with the tables. A required field on a nullable column is an error:
Prisma fails on reading such a row.

With a guide it compares the database with that instead: each fence of sql whose
queries only read, with the table after "Expected output" as psql prints it, cell
by cell. Names without a schema mean --schema, times are UTC. Other fences are
listed as not run. A query runs with the rights of the role, as in psql.`

/** Flags that say nothing where a guide is compared. */
const CHECK_FLAGS: readonly string[] = [
  'expect',
  'failOn',
  'probe',
  'applicationSchema',
  'applicationRole',
  'migrations',
]

export const verifyCommand = (run: Run) =>
  withExamples(
    withDatabaseFlags(new Command('verify')),
    ['chatkeep verify', 'is the update complete?'],
    ['chatkeep verify --expect rolled-back', 'is it completely undone?'],
    ['chatkeep verify --application-role crm_app', 'check the privileges of this role'],
    ['chatkeep verify --probe crm_app', 'try what guests do'],
    ['chatkeep verify GUIDE.md', 'is it as the runbook says?'],
    ['chatkeep verify --format junit --fail-on warning', 'as a test report'],
    ['chatkeep verify --application-schema prisma/schema.prisma --format github', 'as annotations of a pull request'],
  )
    .helpGroup(COMMAND_GROUPS.checks)
    .summary('check schema, history and data; list what is wrong')
    .description('Checks columns, indexes, migration history and data in a read-only session, or what a guide expects.')
    .argument('[guide...]', 'Markdown with queries and their expected output, to compare with instead')
    .addOption(
      new Option('--format <format>', 'output format; --json means json (default: text)').choices(
        OUTPUT_FORMATS.map(({ name }) => name),
      ),
    )
    .addOption(
      new Option('--expect <state>', 'expected state of the database')
        .choices(['migrated', 'rolled-back'] as const)
        .default('migrated' as const),
    )
    .addOption(
      new Option('--fail-on <severity>', 'lowest severity that fails the check')
        .choices(['error', 'warning', 'note'] as const)
        .default('error' as const),
    )
    .option('--probe [role]', 'also write as a guest does, as this role, in a transaction that is rolled back')
    .option('--application-schema <path>', "also check the application's schema.prisma, or a folder of *.prisma files")
    .option(
      '--application-role <name>',
      "also check the privileges of the application's role, and that it sees every row",
    )
    .option('--migrations <dir>', 'read the migrations from this folder instead of the built-in ones')
    .addOption(
      new Option('--statement-timeout <duration>', 'time limit of each query')
        .argParser(parseDurationBetween('10ms', '1d'))
        .default(30_000, '30s'),
    )
    .addHelpText('after', NOTES)
    .action(
      run(async (context, guides, options, command) => {
        const { runVerify } = await import('../verify/run-verify.js')
        const checkFlags = command.options
          .filter((flag) => CHECK_FLAGS.includes(flag.attributeName()))
          .filter((flag) => command.getOptionValueSource(flag.attributeName()) === 'cli')
          .map(({ long }) => String(long))
        return runVerify({ ...options, guides, checkFlags }, context, (work) =>
          context.withTarget(options, 'direct', work),
        )
      }),
    )
