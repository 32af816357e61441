import type { Argument, CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { helpOption, SHARED_GROUPS } from '../flags.js'

/** What a shell asks for at the end of an unfinished command line. */
export type Question =
  | { readonly about: 'commands' }
  | { readonly about: 'flags'; readonly flags: readonly Option[] }
  /** The value of an option or argument; `prefix` is the part of the word before it, as in `--format=`. */
  | { readonly about: 'value'; readonly item: Option | Argument; readonly typed: string; readonly prefix: string }
  | { readonly about: 'nothing' }

interface Read {
  readonly command: CommandUnknownOpts | undefined
  readonly given: readonly Option[]
  readonly operands: number
  /** The option whose value is next. */
  readonly open: Option | undefined
  /** After `--`. */
  readonly isOperandsOnly: boolean
}

/**
 * Understands an unfinished command line.
 * @param words those before the last one, without the name of the program
 * @param last the word that is being typed
 */
export const questionAt = (
  words: readonly string[],
  last: string,
  commands: readonly CommandUnknownOpts[],
): Question => {
  const { command, given, operands, open, isOperandsOnly } = words.reduce<Read>(
    (read, word) => readWord(read, word, commands),
    { command: undefined, given: [], operands: 0, open: undefined, isOperandsOnly: false },
  )
  const flags = flagsOf(command, commands)
  if (open?.required === true) return { about: 'value', item: open, typed: last, prefix: '' }
  if (!isOperandsOnly && last.startsWith('-')) {
    const [, prefix, typed = ''] = /^(--[^=]+=)(.*)$/s.exec(last) ?? []
    if (prefix === undefined)
      return { about: 'flags', flags: flags.filter((flag) => flag.variadic || !given.includes(flag)) }
    const item = optionOf(prefix.slice(0, -1), flags)
    return item === undefined || !takesValue(item) ? { about: 'nothing' } : { about: 'value', item, typed, prefix }
  }
  if (open !== undefined) return { about: 'value', item: open, typed: last, prefix: '' }
  if (command === undefined) return { about: 'commands' }
  const item = command.registeredArguments[operands]
  return item === undefined ? { about: 'nothing' } : { about: 'value', item, typed: last, prefix: '' }
}

const readWord = (read: Read, word: string, commands: readonly CommandUnknownOpts[]): Read => {
  const { command, given, open } = read
  if (open?.required === true) return { ...read, open: undefined }
  if (read.isOperandsOnly) return { ...read, operands: read.operands + 1 }
  if (word === '--') return { ...read, open: undefined, isOperandsOnly: true }
  if (word.startsWith('-') && word !== '-') {
    const option = optionOf(word.replace(/=.*/s, ''), flagsOf(command, commands))
    const isOpen = option !== undefined && takesValue(option) && !word.includes('=')
    return { ...read, given: option === undefined ? given : [...given, option], open: isOpen ? option : undefined }
  }
  const named = command ?? commands.find((one) => one.name() === word)
  if (command === undefined && named !== undefined) return { ...read, command: named, open: undefined }
  // It is the value of an option that may have one.
  if (open !== undefined) return { ...read, open: undefined }
  return { ...read, operands: read.operands + 1 }
}

/** The options of the command; before it, those that commands share, each once. */
const flagsOf = (
  command: CommandUnknownOpts | undefined,
  commands: readonly CommandUnknownOpts[],
): readonly Option[] => {
  const all =
    command === undefined
      ? commands.flatMap(({ options }) => options).filter(({ helpGroupHeading: group }) => isShared(group))
      : [...command.options, helpOption()]
  return all.filter((flag, index) => all.findIndex(({ flags }) => flags === flag.flags) === index)
}

const takesValue = ({ required, optional }: Option): boolean => required || optional

const isShared = (group: string | undefined): boolean => SHARED_GROUPS.some((shared) => shared === group)

const optionOf = (word: string, flags: readonly Option[]): Option | undefined =>
  flags.find(({ short, long }) => word === long || word === short)
