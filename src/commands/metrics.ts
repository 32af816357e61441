import { Command, Option } from '@commander-js/extra-typings'
import { parseDurationBetween } from '../cli/bounded-duration.js'
import type { CommandResult, Run } from '../cli/command.js'
import { withDatabaseFlags } from '../cli/flags.js'
import type { MetricsReport } from '../metrics/read-metrics.js'

const DETAILS = `
Counts what is younger than the window's edge, in UTC whatever the time zones of this machine, the server and its
sessions. Everything is read in one snapshot that the server keeps read-only.

Examples:
  chatkeep metrics                 the last day
  chatkeep metrics --since 1h
  chatkeep metrics --json`

export const metricsCommand = (run: Run) =>
  withDatabaseFlags(new Command('metrics'))
    .summary('count clients created, guest messages and messages without client')
    .description(
      'Counts clients created and guest messages in a window that ends now, and all messages without client.',
    )
    .addOption(
      new Option('--since <duration>', 'how far back the window reaches, e.g. 12h or 7d')
        .argParser(parseDurationBetween('1ms', '36500d'))
        .default(86_400_000, '1d'),
    )
    .addOption(
      new Option('--statement-timeout <duration>', 'how long the server may work on it')
        .argParser(parseDurationBetween('10ms', '1d'))
        .default(5_000, '5s'),
    )
    .addHelpText('after', DETAILS)
    .action(
      run((context, options) =>
        context.withTarget(options, 'pooled', async (target): Promise<CommandResult> => {
          const { readMetrics } = await import('../metrics/read-metrics.js')
          const { describeTarget } = await import('../database/connection-target.js')
          const report = await readMetrics(target, {
            windowMs: options.since,
            statementTimeoutMs: options.statementTimeout,
            signal: context.signal,
          })
          return toResult(describeTarget(target), report)
        }),
      ),
    )

const toResult = (target: string, { since, now, metrics }: MetricsReport): CommandResult => ({
  data: {
    target,
    since: since.toISOString(),
    now: now.toISOString(),
    metrics: metrics.map(({ name, value, windowMs }) => ({ name, value, windowMs })),
  },
  text: (render) => {
    const figures = ['value', ...metrics.map(({ value }) => value.toLocaleString('en-US'))]
    const width = Math.max(...figures.map(({ length }) => length))
    const rows = metrics.map(({ title, value, windowMs }) => [
      title,
      value.toLocaleString('en-US').padStart(width),
      windowMs === null ? 'all time' : `since ${since.toISOString()}`,
    ])
    return [
      `metrics  ${target}  ${now.toISOString()}`,
      '',
      render.table(['metric', 'value'.padStart(width), 'window'], rows),
    ].join('\n')
  },
})
