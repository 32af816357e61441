import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { OperatorError } from '../errors.js'

/**
 * Moves options that stand before the subcommand behind it, where commander reads them: `-d crm verify` is `verify -d crm`.
 * @returns the same words when nothing stands before it, or something that no subcommand knows
 * @throws OperatorError `usage` when there are options only
 */
export const subcommandFirst = (
  argv: readonly string[],
  commands: readonly CommandUnknownOpts[],
): readonly string[] => {
  if (argv[0]?.startsWith('-') !== true) return argv
  for (const [index, word] of argv.entries()) {
    const command = commands.find((one) => one.name() === word)
    const before = command === undefined ? undefined : readOptions(argv.slice(0, index), command.options)
    if (before?.rest.length === 0)
      return [word, ...before.settled, ...beforeDoubleDash(argv.slice(index + 1), before.open)]
  }
  return nameless(argv, commands)
}

interface ReadOptions {
  /** Options that are complete. */
  readonly settled: readonly string[]
  /** Options that would take the next word as their value. */
  readonly open: readonly string[]
  /** From the first word on that is neither an option nor a value. */
  readonly rest: readonly string[]
}

/** Reads options at the start, each with its value; undefined where one is unknown or lacks its value. */
export const readOptions = (words: readonly string[], known: readonly Option[]): ReadOptions | undefined => {
  const [word, next] = words
  if (word?.startsWith('-') !== true || word === '-' || word === '--') return { settled: [], open: [], rest: words }
  const option = known.find(
    ({ short, long }) => long === word.split('=')[0] || (short === word.slice(0, 2) && long !== word),
  )
  if (option === undefined && !HELP.includes(word)) return undefined
  const takes = option?.required === true || option?.optional === true
  const isAttached = word.startsWith('--') ? word.includes('=') : word.length > 2
  if (!takes && isAttached) return undefined
  const hasValue = takes && !isAttached && next !== undefined && (option.required || !next.startsWith('-'))
  if (option?.required === true && !isAttached && !hasValue) return undefined
  const own = words.slice(0, hasValue ? 2 : 1)
  const after = readOptions(words.slice(own.length), known)
  if (after === undefined) return undefined
  const isOpen = option?.optional === true && !isAttached && !hasValue
  return isOpen ? { ...after, open: [...own, ...after.open] } : { ...after, settled: [...own, ...after.settled] }
}

const HELP = ['-h', '--help']

const beforeDoubleDash = (words: readonly string[], added: readonly string[]): readonly string[] => {
  const end = words.includes('--') ? words.indexOf('--') : words.length
  return [...words.slice(0, end), ...added, ...words.slice(end)]
}

// For the message that names the mistake.
const nameless = (argv: readonly string[], commands: readonly CommandUnknownOpts[]): readonly string[] => {
  const read = readOptions(
    argv,
    commands.flatMap(({ options }) => options),
  )
  if (read === undefined || argv.every((word) => HELP.includes(word))) return argv
  if (read.rest.length > 0) return [...read.rest, ...read.settled, ...read.open]
  throw new OperatorError('usage', 'no command is named', { hint: 'chatkeep --help' })
}
