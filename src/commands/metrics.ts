import { Argument, Command, Option } from '@commander-js/extra-typings'
import { parseByteSize } from '../cli/byte-size.js'
import { parseDurationBetween } from '../cli/duration.js'
import { parseMoment } from '../cli/moment.js'
import type { Run } from '../cli/command.js'
import type { Source } from '../cli/completion/candidate.js'
import { withValues } from '../cli/completion/source.js'
import { COMMAND_GROUPS, withDatabaseFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import { FACES } from '../metrics/faces/index.js'

const NOTES = `
All values are read in one read-only transaction. Time zone settings of this
machine, the server and the database do not affect the result.

A threshold is a range of the Monitoring Plugins: 10 alerts above 10 (and below
0), 10: below 10, ~:10 above 10, 10:20 outside, @10:20 inside; off never. Ratios
take %, sizes kB, MB, GB (steps of 1024), times 90s or 1h55m6. name{label=value}
picks values of a metric. Flags override chatkeep.config.json, which overrides
the defaults. With --check the exit code is that of a monitoring plugin: 0 OK,
1 WARNING, 2 CRITICAL, 3 UNKNOWN, also when nothing can be read.

Formats:
${FACES.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}`

const namesWith =
  (ending: string): Source =>
  async () => {
    const { listMetrics } = await import('../metrics/run-metrics.js')
    return listMetrics().map(({ name, title }) => [`${name}${ending}`, title])
  }

const threshold = (flags: string, description: string) =>
  withValues(new Option(flags, description), namesWith('=')).argParser(
    (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
  )

export const metricsCommand = (run: Run) =>
  withExamples(
    withDatabaseFlags(new Command('metrics')),
    ['chatkeep metrics', 'the last day'],
    ['chatkeep metrics --since 1h30m --compare 7d', 'against the same time a week ago'],
    ['chatkeep metrics --since 2026-11-01 --until 2026-11-01T02:00Z', 'two hours of a day, in UTC'],
    ['chatkeep metrics messages active_guests --bucket 1h', 'two of them, hour by hour'],
    ['chatkeep metrics disk_full_seconds --disk 500GB', 'when the disk will be full'],
    ["chatkeep metrics --warn 'guest_messages=1:'", 'warn when no guest wrote'],
    ['chatkeep metrics --check', 'for Nagios and its kind'],
    ['chatkeep metrics --json', 'for programs'],
    ['chatkeep metrics --html report.html', 'for an incident report'],
    ['chatkeep metrics --format csv > metrics.csv', 'for a spreadsheet'],
    ['chatkeep metrics --format prometheus | promtool check metrics', 'for Prometheus'],
  )
    .helpGroup(COMMAND_GROUPS.checks)
    .summary('measure the chat and its database')
    .description('Measures the chat (messages, guests, answers, what is unread) in a time window, and its database.')
    .addArgument(withValues(new Argument('[names...]', 'only these metrics (default: all)'), namesWith('')))
    .addOption(
      new Option('--since <start>', 'start of the window: a duration before its end, or a date in UTC')
        .argParser(parseMoment)
        .default<Date | number>(86_400_000, '1d'),
    )
    .addOption(
      new Option('--until <end>', 'end of the window: how long ago, or a date (default: now)').argParser(parseMoment),
    )
    .addOption(
      new Option('--bucket <duration>', 'also the values of each part of the window of this length').argParser(
        parseDurationBetween('1s', '36500d'),
      ),
    )
    .addOption(
      new Option(
        '--compare <duration>',
        'also the values of the window of the same length this much earlier',
      ).argParser(parseDurationBetween('1s', '36500d')),
    )
    .addOption(
      new Option('--disk <size>', 'size of the disk of the database, e.g. 500GB, for disk_full_seconds').argParser(
        parseByteSize,
      ),
    )
    .addOption(
      new Option('--format <format>', 'output format; --json means json (default: table)').choices(
        FACES.map(({ name }) => name),
      ),
    )
    .option('--html <file>', 'also write an HTML page with charts; - for stdout, instead of the answer')
    .addOption(threshold('--warn <name=range>', 'warn when this metric leaves the range; repeatable'))
    .addOption(threshold('--crit <name=range>', 'the same, critical'))
    .option('--config <file>', 'read thresholds from this file (default: chatkeep.config.json, if there is one)')
    .option('--check', 'answer as a monitoring plugin: one line with performance data; exit code 0, 1, 2 or 3')
    .addOption(
      new Option('--statement-timeout <duration>', 'limit of the query')
        .argParser(parseDurationBetween('10ms', '1d'))
        .default(5_000, '5s'),
    )
    .addHelpText('after', NOTES)
    .action(
      run(async (context, names, options) => {
        const { runMetrics } = await import('../metrics/run-metrics.js')
        return runMetrics(names, options, context, (work) => context.withTarget(options, 'pooled', work))
      }),
    )
