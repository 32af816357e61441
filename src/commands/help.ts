import { Argument, Command } from '@commander-js/extra-typings'
import { withValues } from '../cli/completion/source.js'
import { COMMAND_GROUPS } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'

/** `chatkeep help`: in place of commander's own, which knows commands only. */
export const helpCommand = () =>
  withExamples(
    new Command('help'),
    ['chatkeep help migrate', 'the same as chatkeep migrate --help'],
    ['chatkeep help environment', 'the variables that chatkeep reads'],
    ['chatkeep help exit-codes', 'what each exit code means'],
    ['chatkeep help formats', 'how answers are printed, and which files are read'],
  )
    .helpGroup(COMMAND_GROUPS.help)
    .summary('print the help of a command or a topic')
    .description('Prints the help of a command, or what there is to know about environment, exit-codes or formats.')
    .addArgument(
      withValues(new Argument('[topic]', 'a command, or environment, exit-codes, formats'), async (context) => {
        const { TOPICS } = await import('../cli/help/topics/index.js')
        return [...context.commands, ...TOPICS.map(({ name, summary }) => [name, summary] as const)]
      }),
    )
    .action(async (topic, _options, { parent: program }) => {
      if (program === null) return
      const commands = program.commands
      const command = topic === undefined ? program : commands.find((one) => one.name() === topic)
      if (command !== undefined) {
        command.outputHelp()
        return
      }
      const { readTopic } = await import('../cli/help/topics/index.js')
      const names = commands.map((one) => one.name())
      program.configureOutput().writeOut?.(`${readTopic(topic ?? '', names).trim()}\n`)
    })
