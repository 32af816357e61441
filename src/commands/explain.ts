import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withOutputFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'

const NOTES = `
Does not connect to a database.`

export const explainCommand = (run: Run) =>
  withExamples(
    withOutputFlags(new Command('explain')),
    ['chatkeep explain', 'list all codes'],
    ['chatkeep explain index_invalid', 'meaning, cause and fix of one code'],
  )
    .helpGroup(COMMAND_GROUPS.checks)
    .summary('explain a finding of verify: its meaning, cause and fix')
    .description('Explains the codes that verify prints before each finding.')
    .argument('[code]', 'code of a finding (default: list all codes)')
    .addHelpText('after', NOTES)
    .action(
      run(async (_context, code) => {
        const { explainCode } = await import('../verify/explain-code.js')
        return explainCode(code)
      }),
    )

/** Adds the codes for shell completion. The command itself does not have them, because --help loads nothing else. */
export const completeCodes = async (commands: readonly CommandUnknownOpts[]): Promise<void> => {
  const { knownCodes } = await import('../verify/explain-code.js')
  const argument = commands.find((command) => command.name() === 'explain')?.registeredArguments[0]
  argument?.choices(knownCodes())
}
