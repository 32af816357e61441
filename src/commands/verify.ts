import { Command, Option } from '@commander-js/extra-typings'
import { parseDurationBetween } from '../cli/bounded-duration.js'
import type { Run } from '../cli/command.js'
import { withDatabaseFlags } from '../cli/flags.js'
import { OUTPUT_FORMATS } from '../terminal/formats/index.js'

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
      new Option('--format <format>', 'output format; --json is short for --format json (default: text)').choices(
        OUTPUT_FORMATS.map(({ name }) => name),
      ),
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
      run(async (context, options) => {
        const { runVerify } = await import('../verify/run-verify.js')
        return runVerify(options, context, (work) => context.withTarget(options, 'direct', work))
      }),
    )
