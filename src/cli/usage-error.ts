import type { CommandUnknownOpts, CommanderError } from '@commander-js/extra-typings'
import { OperatorError } from '../errors.js'
import { didYouMean } from '../terminal/nearest-word.js'

/** A mistake in the command line as chatkeep reports it: with the word that was meant, and the help of the command. */
export const usageError = (
  error: CommanderError,
  command: string | undefined,
  commands: readonly CommandUnknownOpts[],
): OperatorError => {
  const help = command === undefined ? 'chatkeep --help' : `chatkeep ${command} --help`
  const { typed, known } = unknownWord(error, command, commands)
  const isCommand = error.code === 'commander.unknownCommand'
  const hint = didYouMean(typed, known, help, (meant) => (isCommand ? `chatkeep ${meant} --help` : help))
  return new OperatorError('usage', error.message.replace(/^error: /, ''), { hint, cause: error })
}

interface UnknownWord {
  readonly typed: string
  readonly known: readonly string[]
}

// Only commander's message has the word.
const unknownWord = (
  { code, message }: CommanderError,
  command: string | undefined,
  commands: readonly CommandUnknownOpts[],
): UnknownWord => {
  const [, word = '', choices] = /'([^']*)'(?: is invalid.* Allowed choices are (.*)\.)?$/s.exec(message) ?? []
  if (choices !== undefined) return { typed: word, known: choices.split(', ') }
  if (code === 'commander.unknownCommand') return { typed: word, known: commands.map((one) => one.name()) }
  if (code !== 'commander.unknownOption') return { typed: '', known: [] }
  const own = commands.filter((one) => command === undefined || one.name() === command)
  const flags = own.flatMap(({ options }) => options.flatMap(({ long }) => long ?? []))
  return { typed: word.replace(/=.*/s, ''), known: [...new Set(flags)] }
}
