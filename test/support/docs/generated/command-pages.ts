import { EventEmitter } from 'node:events'
import type { Argument, CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { exampleLines } from '../../../../src/cli/help/examples.js'
import { commands } from '../../../../src/commands/index.js'
import { buildProgram } from '../../../../src/program.js'
import { processContext } from '../../chatkeep.js'
import { bullet, escapeMarkdown, filled } from '../markdown.js'
import type { Generated } from './index.js'

/** Flags that most commands have; they stand last on each page, in this order. */
const SHARED = ['dbname', 'database-url', 'env-file', 'schema', 'embedded', 'json', 'quiet', 'verbose', 'color', 'help']

/** A page for each command: its usage, what it does, its arguments and options, and the notes of its help. */
export const commandPages = (): readonly Generated[] => {
  const program = buildProgram(commands, { exitCode: 0 }, processContext([]))
  return program.commands.map((command) => ({
    path: `docs/commands/${command.name()}.md`,
    render: () => renderCommand(command),
  }))
}

const renderCommand = (command: CommandUnknownOpts): string => {
  const name = command.name()
  const help = command.createHelp()
  const options = help.visibleOptions(command).toSorted((one, other) => placeOf(one) - placeOf(other))
  const argumentList = command.registeredArguments
  return [
    `# chatkeep ${name}`,
    '<!-- Made from the program by `npm run docs`. -->',
    sentence(command.summary()),
    `\`\`\`text\nchatkeep ${name} ${command.usage()}\n\`\`\``,
    filled(escapeMarkdown(command.description())),
    `## Examples\n\n\`\`\`text\n${exampleLines(command)
      .map((line) => line.replace(/^ {2}/, ''))
      .join('\n')}\n\`\`\``,
    ...(argumentList.length === 0 ? [] : ['## Arguments', argumentList.map(renderArgument).join('\n')]),
    '## Options',
    options.map(renderOption).join('\n'),
    ...notesOf(command),
  ].join('\n\n')
}

const placeOf = (option: Option): number => SHARED.indexOf(option.name().replace(/^no-/, ''))

const renderArgument = (argument: Argument): string =>
  bullet(`\`${argument.name()}\`${argument.required ? '' : ' (optional)'}: ${escapeMarkdown(argument.description)}`)

const renderOption = ({ flags, description, argChoices, defaultValue, defaultValueDescription }: Option): string => {
  const choices = argChoices === undefined ? '' : `. One of ${argChoices.map((choice) => `\`${choice}\``).join(', ')}`
  const preset = defaultValueDescription ?? (typeof defaultValue === 'string' ? defaultValue : undefined)
  return bullet(
    `\`${flags}\`: ${escapeMarkdown(description)}${choices}${preset === undefined ? '' : `. Default: \`${preset}\``}`,
  )
}

/** What the help prints after the options, as it stands there. */
const notesOf = (command: CommandUnknownOpts): readonly string[] => {
  let notes = ''
  // Commander's types leave out that a command is one.
  if (command instanceof EventEmitter)
    command.emit('afterHelp', { command, error: false, write: (text: string) => (notes += text) })
  return notes.trim() === '' ? [] : ['## Notes', `\`\`\`text\n${notes.replace(/^\n+|\n+$/g, '')}\n\`\`\``]
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
