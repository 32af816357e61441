import { Option, type Command, type OptionValues } from '@commander-js/extra-typings'
import { parseDurationBetween } from './bounded-duration.js'
import { parseDuration, withDatabaseFlags } from './flags.js'

/** Flags of the two commands that change the schema. */
export const withMigrationFlags = <Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
) =>
  withDatabaseFlags(command)
    .addOption(
      new Option('--max-wait <duration>', 'how long to wait for the migration lock and for busy tables')
        .argParser(parseDuration)
        .default(30_000, '30s'),
    )
    .addOption(
      new Option('--lock-timeout <duration>', 'how long a statement that stops others may wait for a table, each time')
        .argParser(parseDurationBetween('10ms', '1m'))
        .default(300, '300ms'),
    )
    .addOption(
      new Option('--statement-timeout <duration>', 'how long one statement may take, an index build above all')
        .argParser(parseDurationBetween('1s', '7d'))
        .default(43_200_000, '12h'),
    )
    .option('--show-queries', 'show what sessions run that are in the way; it may hold what people wrote')
    .option('--migrations <dir>', 'take the migrations from this folder instead of those that come with chatkeep')
