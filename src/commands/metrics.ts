import { Command, Option } from '@commander-js/extra-typings'
import { parseDurationBetween } from '../cli/bounded-duration.js'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withDatabaseFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { FACES } from '../metrics/faces/index.js'

const NOTES = `
All values are read in one read-only transaction. Time zone settings of this
machine, the server and the database do not affect the result.

Formats:
${FACES.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}`

export const metricsCommand = (run: Run) =>
  withExamples(
    withDatabaseFlags(new Command('metrics')),
    ['chatkeep metrics', 'the last day'],
    ['chatkeep metrics --since 1h', 'the last hour'],
    ['chatkeep metrics --json', 'for programs'],
    ['chatkeep metrics --format csv > metrics.csv', 'for a spreadsheet'],
    ['chatkeep metrics --format prometheus | promtool check metrics', 'for Prometheus'],
  )
    .helpGroup(COMMAND_GROUPS.checks)
    .summary('measure the chat and its database')
    .description(
      'Measures the chat (messages, guests, answers, what is unread) in a time window that ends now, and its database.',
    )
    .addOption(
      new Option('--since <duration>', 'length of the time window, e.g. 12h or 7d')
        .argParser(parseDurationBetween('1ms', '36500d'))
        .default(86_400_000, '1d'),
    )
    .addOption(
      new Option('--format <format>', 'output format; --json means json (default: table)').choices(
        FACES.map(({ name }) => name),
      ),
    )
    .addOption(
      new Option('--statement-timeout <duration>', 'limit of the query')
        .argParser(parseDurationBetween('10ms', '1d'))
        .default(5_000, '5s'),
    )
    .addHelpText('after', NOTES)
    .action(
      run((context, options) =>
        context.withTarget(options, 'pooled', async (target) => {
          const { runMetrics } = await import('../metrics/run-metrics.js')
          return runMetrics(target, options, context)
        }),
      ),
    )
