import { Command, Option } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { parseDuration, withDatabaseFlags } from '../cli/flags.js'

const DETAILS = `
A transcript is one JSON object a line, plain or gzip:
  {"at":"2026-04-01T09:00:08Z","conversation":"c1","from":"client","username":"maria",
   "phone":null,"operator":null,"text":"Hello"}
"from" is "client" or "operator"; "username" is the guest's, whoever speaks.
A recording of serve --record, a bulk file of Mattermost, and the journal of serve --journal are known
by their first line. What waits in a journal is saved under the keys that it has, so the server may
drain it at the same time, or again.

Every line has an idempotency key made of its content, so a transcript can be replayed again, whole
or after an interruption, and nothing is doubled. Afterwards all is read back from the database: a
message that is lost, doubled or unexpected, and a line that is rejected, make the answer "no" (exit 1).

Examples:
  chatkeep replay chats.ndjson                     through the core, at the times of the transcript
  chatkeep replay chats.ndjson --through socket    as guests and operators would, at a server of its own
  ssh crm cat chats.gz | chatkeep replay -         from somewhere else
  chatkeep replay chat.journal                     what a chat server kept while the database was away
  chatkeep replay yesterday.chatkeep --speed x10   what serve --record wrote, ten times as fast
  chatkeep replay chats.ndjson --check-only        is everything in the database? writes nothing
  chatkeep replay big.gz --resume big.state --rejected big.rejected
  chatkeep replay --scenario guest-flow            a new guest, an existing client, a guest who comes
                                                   back; removes what it wrote`

export const replayCommand = (run: Run) =>
  withDatabaseFlags(new Command('replay'))
    .summary('send a transcript or a scenario, then prove that every message is there')
    .description('Sends real conversations through the chat and reads every message back from the database.')
    .argument('[file]', 'the transcript; - for standard input')
    .addOption(
      new Option('--through <way>', 'the way into the database (default: store)').choices(['store', 'socket'] as const),
    )
    .option('--url <url>', 'the chat server to use, as chatkeep serve prints it (default: one of its own)')
    .addOption(
      new Option('--scenario <name>', 'play test cases instead of a transcript').choices(['guest-flow'] as const),
    )
    .option(
      '--history <file>',
      'write every operation into a new file, one JSON object a line, as Jepsen checkers read it',
    )
    .option('--check-only', 'compare the transcript with the database; nothing is sent, and nothing is written')
    .option('--speed <speed>', 'max, 200/s, original, or x10 for ten times as fast as it was written (default: max)')
    .option('--max-gap <duration>', 'longest wait for the next message, with original and x10', parseDuration)
    .option('--resume <state>', 'keep in this file how far the run came, and go on from there')
    .option('--rejected <file>', 'write lines that are rejected to this file, as they are')
    .option('--accept-truncated', 'replay what there is of a recording that has no footer')
    .option('--keep', 'leave what the scenario wrote in the database')
    .addHelpText('after', DETAILS)
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
