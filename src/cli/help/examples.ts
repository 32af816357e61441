import type { CommandUnknownOpts } from '@commander-js/extra-typings'

/** A command line, and what it is for; '' where that is plain. */
export type Example = readonly [commandLine: string, purpose: string]

// Commander has no place for examples that stand before the options.
const examples = new WeakMap<CommandUnknownOpts, readonly Example[]>()

/** Adds examples to a command; its help shows them before its options. */
export const withExamples = <C extends CommandUnknownOpts>(command: C, ...shown: readonly Example[]): C => {
  examples.set(command, shown)
  return command
}

/** A longer command stands on a line of its own. */
const WIDEST_COMMAND = 36

/** The examples of a command as lines of its help: two columns, as wide as need be. */
export const exampleLines = (command: CommandUnknownOpts): readonly string[] => {
  const shown = examples.get(command) ?? []
  const lengths = shown.filter(([, purpose]) => purpose !== '').map(([commandLine]) => commandLine.length)
  const width = Math.max(0, ...lengths.filter((length) => length <= WIDEST_COMMAND))
  return shown.flatMap(([commandLine, purpose]) => {
    if (purpose === '') return [`  ${commandLine}`]
    if (commandLine.length <= width) return [`  ${commandLine.padEnd(width)}  ${purpose}`]
    return [`  ${commandLine}`, `${' '.repeat(width + 4)}${purpose}`]
  })
}
