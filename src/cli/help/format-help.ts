import type { CommandUnknownOpts, Help, Option } from '@commander-js/extra-typings'
import { COMMAND_GROUPS, OWN_GROUP, SHARED_GROUPS } from '../flags.js'
import { exampleLines } from './examples.js'

/** The help of every command: usage, what it does, examples, then arguments and options by group. */
export const formatHelp = (command: CommandUnknownOpts, helper: Help): string => {
  const width = helper.padWidth(command, helper)
  const item = (term: string, description: string): string => helper.formatItem(term, width, description, helper)
  const options = grouped(
    helper.visibleOptions(command),
    ({ helpGroupHeading = OWN_GROUP }) => helpGroupHeading,
    [OWN_GROUP],
    SHARED_GROUPS,
  )
  const commands = grouped(helper.visibleCommands(command), (sub) => sub.helpGroup(), Object.values(COMMAND_GROUPS))
  const sections: readonly (readonly string[])[] = [
    [`Usage: ${helper.commandUsage(command)}`],
    [helper.boxWrap(helper.commandDescription(command), helper.helpWidth ?? 80)],
    section('Examples:', exampleLines(command)),
    ...commands.map(([group, subs]) =>
      section(
        group,
        subs.map((sub) => item(helper.subcommandTerm(sub), helper.subcommandDescription(sub))),
      ),
    ),
    section(
      'Arguments:',
      helper
        .visibleArguments(command)
        .map((argument) => item(helper.argumentTerm(argument), helper.argumentDescription(argument))),
    ),
    ...options.map(([group, flags]) =>
      section(
        group,
        flags.map((flag) => item(helper.optionTerm(flag), helper.optionDescription(flag))),
      ),
    ),
  ]
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'))
  return `${shown.join('\n\n')}\n`
}

const section = (heading: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [heading, ...lines]

/** Items by their group: the groups of `first`, then others, then those of `last`. */
const grouped = <Item extends Option | CommandUnknownOpts>(
  items: readonly Item[],
  groupOf: (item: Item) => string,
  first: readonly string[],
  last: readonly string[] = [],
): readonly (readonly [string, readonly Item[]])[] => {
  const others = items.map(groupOf).filter((group) => !first.includes(group) && !last.includes(group))
  return [...first, ...new Set(others), ...last].flatMap((group) => {
    const members = items.filter((item) => groupOf(item) === group)
    return members.length === 0 ? [] : [[group, members] as const]
  })
}
