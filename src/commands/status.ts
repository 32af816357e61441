import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { parseDurationBetween } from '../cli/duration.js'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withDatabaseFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'

const NOTES = `
Reads catalogs, statistics and a few index entries, however large the tables
are; changes nothing. What is locked, or what this role may not see, is marked
so. Exit code: 0 without errors, 1 with one, 3 or 4 if something could not be
read (see docs/status.md).`

/** Reads the address of a chat server, and adds it to those before it. */
const parseServers = (text: string, before: readonly string[] = []): readonly string[] => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username !== '')
    throw new InvalidArgumentError('Write a URL such as http://127.0.0.1:3000, without a user.')
  return [...before, url.origin]
}

export const statusCommand = (run: Run) =>
  withExamples(
    withDatabaseFlags(new Command('status')),
    ['chatkeep status', 'is the chat well, and what is wrong?'],
    ['chatkeep status -q', 'the same in one line'],
    ['chatkeep status --watch', 'again every 2 seconds, in place'],
    ['chatkeep status --until-ok -q', 'wait until it is well'],
    ['chatkeep status --server http://127.0.0.1:3000', 'with the readiness of a chat server'],
  )
    .helpGroup(COMMAND_GROUPS.checks)
    .summary('show on one screen whether the chat is well, and what to do')
    .description('Shows whether the chat and its database are well, and the most urgent thing to do.')
    .addOption(
      new Option('--watch [interval]', 'repeat every 2s, or this often, in place on a terminal')
        .argParser(parseDurationBetween('100ms', '1h'))
        .preset('2s'),
    )
    .option('--until-ok', 'repeat until the exit code is 0')
    .addOption(
      new Option('--server <url...>', 'also ask the /readyz of this chat server, e.g. http://127.0.0.1:3000').argParser(
        parseServers,
      ),
    )
    .addOption(
      new Option('--statement-timeout <duration>', 'limit of each query')
        .argParser(parseDurationBetween('10ms', '1d'))
        .default(5_000, '5s'),
    )
    .addHelpText('after', NOTES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'direct', async (target) => {
          const { runStatus } = await import('../status/run-status.js')
          return runStatus(target, options, context)
        }),
      ),
    )
