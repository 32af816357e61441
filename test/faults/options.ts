import { randomInt } from 'node:crypto'
import { Command, CommanderError, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { OperatorError } from '../../src/errors.js'
import type { Fault } from './fault.js'
import { faults } from './faults/index.js'

export interface CampaignOptions {
  readonly seed: number
  /** At least so many are sent and acknowledged. */
  readonly messages: number
  readonly guests: number
  readonly faults: readonly Fault[]
  /** How often each fault happens. */
  readonly rounds: number
  readonly json: boolean
  readonly keep: boolean
}

const HELP = `
Faults:
${faults.map(({ name, summary }) => `  ${name.padEnd(24)}${summary}`).join('\n')}

Everything runs on a durable embedded PostgreSQL in the system's temporary folder (TMPDIR names another).
Exit code 0: every fault happened, everything was read back, and nothing was lost, doubled or altered;
1: something was; 4: unknown, since a fault did not happen or nothing was read back.`

/** A fault for so many messages is enough of it. */
const MESSAGES_A_ROUND = 400_000

/**
 * Reads the command line.
 * @returns null when it asked for help, which is printed then
 * @throws OperatorError `usage`
 */
export const parseOptions = (argv: readonly string[], print: (text: string) => void): CampaignOptions | null => {
  const command = new Command('test:faults')
    .description(
      'Breaks everything that can break under a live chat, and looks whether every message was kept once and as it was sent.',
    )
    .addOption(new Option('--seed <n>', 'the schedule and the texts of an earlier run').argParser(wholeNumber(0)))
    .addOption(new Option('--messages <n>', 'send at least so many').argParser(wholeNumber(1)).default(50_000))
    .addOption(new Option('--guests <n>', 'who write all the time').argParser(wholeNumber(1)).default(120))
    .addOption(
      new Option('--faults <names>', 'only these, separated by commas').argParser(parseNames).default(faults, 'all'),
    )
    .addOption(
      new Option('--rounds <n>', 'each fault so often (default: once for 400,000 messages)').argParser(wholeNumber(1)),
    )
    .option('--json', 'print one JSON document instead of the table', false)
    .option('--keep', 'leave the data and the logs of the servers where they are, and say where', false)
    .addHelpText('after', HELP)
    .exitOverride()
    .configureOutput({ writeOut: print, outputError: () => undefined })
  try {
    const { seed, rounds, ...options } = command.parse([...argv], { from: 'user' }).opts()
    return {
      ...options,
      seed: seed ?? randomInt(1_000_000_000),
      rounds: rounds ?? Math.ceil(options.messages / MESSAGES_A_ROUND),
    }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return null
    throw new OperatorError('usage', error.message.replace(/^error: /, ''), {
      hint: 'npm run test:faults -- --help',
      cause: error,
    })
  }
}

const parseNames = (text: string): readonly Fault[] =>
  text.split(',').map((name) => {
    const fault = faults.find((one) => one.name === name.trim())
    if (fault !== undefined) return fault
    throw new InvalidArgumentError(`There is no fault ${name}; there are: ${faults.map((one) => one.name).join(', ')}.`)
  })

const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\s*\d+\s*$/.test(text) && value >= least && value <= 1_000_000_000) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to 1000000000.`)
  }
