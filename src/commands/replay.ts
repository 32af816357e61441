import { Command, Option } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { parseDuration } from '../cli/duration.js'
import { COMMAND_GROUPS, withDatabaseFlags } from '../cli/flags.js'
import { waitForDatabaseOption } from '../cli/wait-for-database.js'
import { withExamples } from '../cli/help/examples.js'

const NOTES = `
A transcript is one JSON object a line, plain or gzip:
  {"at":"2026-04-01T09:00:08Z","conversation":"c1","from":"client",
   "username":"maria","phone":null,"operator":null,"text":"Hello"}
"from" is "client" or "operator"; "username" is always the guest's.
A recording of serve --record, a Mattermost bulk file and a journal of
serve --journal are recognised by their first line. The messages of a journal
are saved under the keys they have there, so a server can save the same journal
before, after or at the same time.

The idempotency key of a line is derived from its content: a transcript can be
replayed again, whole or after an interruption, and nothing is stored twice.
Afterwards every message is read back from the database. The exit code is 1 if a
message is lost, doubled or unexpected, or a line is rejected.`

export const replayCommand = (run: Run) =>
  withExamples(
    withDatabaseFlags(new Command('replay')),
    ['chatkeep replay chats.ndjson', "through the store, keeping the transcript's timestamps"],
    ['chatkeep replay chats.ndjson --through socket', 'as guests and operators of a chat server'],
    ['ssh crm cat chats.gz | chatkeep replay -', 'from another machine'],
    ['chatkeep replay chat.journal', 'what a chat server kept while the database was unavailable'],
    ['chatkeep replay yesterday.chatkeep --speed x10', 'a recording of serve --record, ten times as fast'],
    ['chatkeep replay chats.ndjson --check-only', 'is everything in the database? writes nothing'],
    ['chatkeep replay big.gz --resume big.state --rejected big.rejected', 'in several runs'],
    ['chatkeep replay --scenario guest-flow', 'a new guest, an existing client, a returning guest'],
  )
    .helpGroup(COMMAND_GROUPS.messages)
    .summary('send a transcript or a scenario, then check that every message is stored')
    .description('Sends conversations through the chat and reads every message back from the database.')
    .argument('[file]', 'the transcript; - for standard input')
    .addOption(
      new Option('--through <way>', 'send through the store or a chat server (default: store)').choices([
        'store',
        'socket',
      ] as const),
    )
    .option('--url <url>', 'the chat server to use, as chatkeep serve prints it (default: starts one)')
    .addOption(
      new Option('--scenario <name>', 'play test cases instead of a transcript').choices(['guest-flow'] as const),
    )
    .option(
      '--history <file>',
      'write every operation to a new file, one JSON object a line, as Jepsen checkers read it',
    )
    .option('--check-only', 'compare the transcript with the database; sends and writes nothing')
    .option('--speed <speed>', 'max, 200/s, original, or x10 for ten times the original speed (default: max)')
    .option('--max-gap <duration>', 'longest wait for the next message, with original and x10', parseDuration)
    .option('--resume <state>', 'keep the progress in this file, and continue from there')
    .option('--rejected <file>', 'write rejected lines to this file, unchanged')
    .option('--accept-truncated', 'replay a recording that has no footer as far as it goes')
    .addOption(waitForDatabaseOption())
    .option('--keep', 'keep the rows of the scenario in the database')
    .addHelpText('after', NOTES)
    .action(
      run(async (context, file, options) => {
        const { runReplay } = await import('../replay/run-replay.js')
        const { cwd, stdin, signal, progress, environment } = context
        return runReplay(
          { ...options, file },
          {
            ...{ cwd, stdin, signal, progress },
            operatorSecret: environment.CHATKEEP_OPERATOR_SECRET,
            withTarget: (work) => context.withTarget(options, 'pooled', work),
          },
        )
      }),
    )
