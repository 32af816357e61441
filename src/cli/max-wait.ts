import { Option, type Command, type OptionValues } from '@commander-js/extra-typings'
import { parseDuration, parseDurationBetween } from './duration.js'
import { OWN_GROUP, parseWholeNumber } from './flags.js'

/** `--max-wait`, of a command that waits for locks. */
export const maxWaitOption = (locks: string) =>
  new Option('--max-wait <duration>', `how long to wait for ${locks}`).argParser(parseDuration).default(30_000, '30s')

/** `--max-replica-lag`, of a command that writes much. */
export const maxReplicaLagOption = () =>
  new Option('--max-replica-lag <duration>', 'pause while a standby is further behind than this')
    .argParser(parseDurationBetween('1s', '7d'))
    .default(10_000, '10s')

/** Flags of the commands that delete in batches. */
export const withBatchFlags = <Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
) => {
  command.optionsGroup('Waiting:')
  const extended = command
    .addOption(maxWaitOption('locked rows, and each time for standbys'))
    .addOption(maxReplicaLagOption())
    .addOption(
      new Option('--batch-size <number>', 'messages a transaction (default: 1000)').argParser(
        parseWholeNumber(1, 100_000),
      ),
    )
  command.optionsGroup(OWN_GROUP)
  return extended
}
