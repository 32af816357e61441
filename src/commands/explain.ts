import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { withOutputFlags } from '../cli/flags.js'

const DETAILS = `
Needs no database.

Examples:
  chatkeep explain                 every code, with a line each
  chatkeep explain index_invalid   its meaning, cause and fix`

export const explainCommand = (run: Run) =>
  withOutputFlags(new Command('explain'))
    .summary('explain a finding of verify: its meaning, cause and fix')
    .description('Explains the codes that verify prints before each finding.')
    .argument('[code]', 'the code of a finding; all codes when absent')
    .addHelpText('after', DETAILS)
    .action(
      run(async (_context, code) => {
        const { explainCode } = await import('../verify/explain-code.js')
        return explainCode(code)
      }),
    )

/** Lets the shell complete the codes. They are not in the command itself, whose help must load nothing. */
export const completeCodes = async (commands: readonly CommandUnknownOpts[]): Promise<void> => {
  const { knownCodes } = await import('../verify/explain-code.js')
  const argument = commands.find((command) => command.name() === 'explain')?.registeredArguments[0]
  argument?.choices(knownCodes())
}
