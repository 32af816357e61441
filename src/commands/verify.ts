import { Command, Option } from '@commander-js/extra-typings'
import { parseDurationBetween } from '../cli/bounded-duration.js'
import type { Run } from '../cli/command.js'
import { withDatabaseFlags } from '../cli/flags.js'
import { OUTPUT_FORMATS } from '../terminal/formats/index.js'

const DETAILS = `
verify exits with 1 if it finds an error. Warnings and notes are only shown, unless --fail-on includes them. A warning
means that the database works but should be looked at, for example unlinked guest messages, messages without client or
guest, an archive that was not restored, or settings that risk committed data. verify runs in a read-only transaction
and changes nothing. For the meaning, cause and fix of a finding: chatkeep explain CODE.

--probe writes and rolls back: in one transaction it saves a guest's first message, the same again, one without a name
and an operator's answer, then reads history and recent chats and marks messages as read, with the code that serve and
the library use. It detects what no catalog shows: triggers, rules and policies that discard or hide messages, missing
privileges, exhausted sequences. It consumes some values of sequences and fires the application's triggers; NOTIFY is
not sent. While it runs (some milliseconds, longer over a slow connection), other new guests may have to wait for it.
With a role, it has only the privileges of that role: name the role of the application.

--application-schema compares the Prisma models of "Client", "ChatMessage" and "User" with the tables. For example, a
field that is required although its column is nullable makes reads fail.

Examples:
  chatkeep verify                                      is the guest-chat update complete and sound?
  chatkeep verify --expect rolled-back                 is it completely gone?
  chatkeep verify --application-role crm_app           does the application's role have the privileges it needs?
  chatkeep verify --probe crm_app                      can the application's role do what guests need?
  chatkeep verify --application-schema prisma/schema.prisma --format github
  chatkeep verify --format junit --fail-on warning     for a pipeline that also fails on warnings`

export const verifyCommand = (run: Run) =>
  withDatabaseFlags(new Command('verify'))
    .summary('check the database and report problems')
    .description(
      'Checks that the database has what chatkeep needs: columns, indexes, migration history, and consistent data.',
    )
    .addOption(
      new Option('--format <format>', 'output format; --json is short for --format json (default: text)').choices(
        OUTPUT_FORMATS.map(({ name }) => name),
      ),
    )
    .addOption(
      new Option('--expect <state>', 'the expected state of the database')
        .choices(['migrated', 'rolled-back'] as const)
        .default('migrated' as const),
    )
    .addOption(
      new Option('--fail-on <severity>', 'the lowest severity that fails')
        .choices(['error', 'warning', 'note'] as const)
        .default('error' as const),
    )
    .option('--probe [role]', 'also try the guest flow in a transaction that is rolled back, as this role')
    .option('--application-schema <path>', "also check the application's schema.prisma, or a folder of *.prisma files")
    .option('--migrations <dir>', 'use the migration files in this folder instead of those of chatkeep')
    .option(
      '--application-role <name>',
      "also check the privileges of the application's role, and that it sees every row",
    )
    .addOption(
      new Option('--statement-timeout <duration>', 'limit of each query')
        .argParser(parseDurationBetween('10ms', '1d'))
        .default(30_000, '30s'),
    )
    .addHelpText('after', DETAILS)
    .action(
      run(async (context, options) => {
        const { runVerify } = await import('../verify/run-verify.js')
        return runVerify(options, context, (work) => context.withTarget(options, 'direct', work))
      }),
    )
