import { Argument, Command, CommanderError, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { OperatorError } from '../../src/errors.js'
import type { BenchProcess } from './bench-process.js'
import type { BenchOptions } from './scenario.js'
import { scenarios } from './scenarios/index.js'

const DEFAULT_SIZES = [1_000_000, 10_000_000]
const DEFAULT_SOCKETS = [1, 50, 200, 1_000]
/** Below that, the big conversation has no second page, and there are no guests. */
const FEWEST_MESSAGES = 1_000

const HELP = `
Scenarios, in their order:
${scenarios.map(({ name, summary, onlyNamed }) => `  ${name.padEnd(13)}${summary}${onlyNamed === true ? '; only when it is named' : ''}`).join('\n')}

Everything runs on one embedded PostgreSQL with durable commits, in the system's temporary folder
(TMPDIR names another): keep 15 GB free there for 10,000,000 messages. npm prints a line of its own
on stdout, unless it is asked not to: npm run --silent bench -- --json`

/**
 * Reads the command line.
 * @returns null when it asked for help, which is printed then
 * @throws OperatorError `usage`
 */
export const parseOptions = ({ argv, stdout }: BenchProcess): BenchOptions | null => {
  const command = new Command('bench')
    .description('Measures chatkeep against what it is compared with, in one run on one machine.')
    .addArgument(
      new Argument('[scenarios...]', 'run only these').argParser(collectNames).default([] as readonly string[]),
    )
    .addOption(
      new Option('--only <names>', 'the same, separated by commas')
        .argParser(parseNames)
        .default([] as readonly string[], 'all'),
    )
    .addOption(
      new Option(
        '--seconds <n>',
        'measured for each case of save, socket and application; one of reads takes at most twice that',
      )
        .argParser(parseSeconds)
        .default(10),
    )
    .addOption(new Option('--guests <n>', 'guests who write first').argParser(parseCount).default(100_000))
    .addOption(new Option('--bulk <n>', 'messages of the transcript').argParser(parseCount).default(300_000))
    .addOption(
      new Option('--messages <n,…>', 'sizes of reads, separated by commas')
        .argParser(parseSizes)
        .default(DEFAULT_SIZES as readonly number[], DEFAULT_SIZES.join(',')),
    )
    .addOption(new Option('--rows <n>', 'messages of migrate').argParser(parseRows).default(5_000_000))
    .addOption(
      new Option('--reader-seconds <n>', "how long a reader's transaction is open in migrate")
        .argParser(parseSeconds)
        .default(5),
    )
    .addOption(
      new Option('--sockets <n,…>', 'guests of socket, separated by commas')
        .argParser(parseSockets)
        .default(DEFAULT_SOCKETS as readonly number[], DEFAULT_SOCKETS.join(',')),
    )
    .addOption(new Option('--starts <n>', 'starts of each program in cli').argParser(parseCount).default(21))
    .option('--json', 'print one JSON document instead of the table', false)
    .addHelpText('after', HELP)
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), outputError: () => undefined })
  try {
    const { only, ...options } = command.parse([...argv], { from: 'user' }).opts()
    return { ...options, only: [...only, ...command.processedArgs[0]] }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return null
    throw new OperatorError('usage', error.message.replace(/^error: /, ''), {
      hint: 'npm run bench -- --help',
      cause: error,
    })
  }
}

const parseNames = (text: string): readonly string[] => {
  const names = text.split(',').map((name) => name.trim())
  const known = scenarios.map(({ name }) => name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length === 0) return names
  throw new InvalidArgumentError(`There is no scenario ${unknown.join(', ')}; there are: ${known.join(', ')}.`)
}

const collectNames = (text: string, before: readonly string[]): readonly string[] => [...before, ...parseNames(text)]

const parseSeconds = (text: string): number => {
  const seconds = Number(text)
  if (seconds > 0 && seconds <= 3_600) return seconds
  throw new InvalidArgumentError('It must be a number above 0, at most 3600.')
}

const parseCount = (text: string): number => wholeNumber(text, 1)

const parseRows = (text: string): number => wholeNumber(text, FEWEST_MESSAGES)

const parseSizes = (text: string): readonly number[] =>
  text
    .split(',')
    .map((size) => wholeNumber(size, FEWEST_MESSAGES))
    .toSorted((a, b) => a - b)

const parseSockets = (text: string): readonly number[] => text.split(',').map((count) => wholeNumber(count, 1))

const wholeNumber = (text: string, least: number): number => {
  const value = Number(text)
  if (/^\s*\d+\s*$/.test(text) && value >= least && value <= 1_000_000_000) return value
  throw new InvalidArgumentError(`It must be a whole number from ${least} to 1000000000.`)
}
