import type { CommandUnknownOpts, CommanderError } from '@commander-js/extra-typings'
import { OperatorError } from '../errors.js'
import { didYouMean } from '../terminal/nearest-word.js'

/** A mistake in the command line as chatkeep reports it: with the word that was meant, and the help of the command. */
export const usageError = (
  error: CommanderError,
  command: string | undefined,
  commands: readonly CommandUnknownOpts[],
  argv: readonly string[] = [],
): OperatorError => {
  const help = command === undefined ? 'chatkeep --help' : `chatkeep ${command} --help`
  const { typed, known, also = '' } = unknownWord(error, command, commands, argv)
  const isCommand = error.code === 'commander.unknownCommand'
  const hint = didYouMean(typed, known, help, (meant) => (isCommand ? `chatkeep ${meant} --help` : help))
  return new OperatorError('usage', `${error.message.replace(/^error: /, '')}${also}`, { hint, cause: error })
}

const withoutValue = (word: string): string => word.replace(/=.*/s, '')

interface UnknownWord {
  readonly typed: string
  readonly known: readonly string[]
  /** What the message lacks. */
  readonly also?: string
}

// Only commander's message has the word.
const unknownWord = (
  { code, message }: CommanderError,
  command: string | undefined,
  commands: readonly CommandUnknownOpts[],
  argv: readonly string[],
): UnknownWord => {
  const [, word = '', choices] = /'([^']*)'(?: is invalid.* Allowed choices are (.*)\.)?$/s.exec(message) ?? []
  if (choices !== undefined) return { typed: word, known: choices.split(', ') }
  if (code === 'commander.unknownCommand') return { typed: word, known: commands.map((one) => one.name()) }
  const own = commands.filter((one) => command === undefined || one.name() === command)
  const known = [...new Set(own.flatMap(({ options }) => options.flatMap(({ long }) => long ?? [])))]
  if (code === 'commander.unknownOption') return { typed: withoutValue(word), known }
  if (code !== 'commander.missingMandatoryOptionValue') return { typed: '', known: [] }
  // A mistyped one is both missing and unknown, and commander stops at the first.
  const typed = argv.map(withoutValue).find((one) => one.startsWith('--') && one !== '--' && !known.includes(one))
  return typed === undefined ? { typed: '', known: [] } : { typed, known, also: `; unknown option '${typed}'` }
}
