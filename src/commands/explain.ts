import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { withOutputFlags } from '../cli/flags.js'

const DETAILS = `
Does not connect to a database.

Examples:
  chatkeep explain                 list all codes
  chatkeep explain index_invalid   meaning, cause and fix of one code`

export const explainCommand = (run: Run) =>
  withOutputFlags(new Command('explain'))
    .summary('explain a finding of verify: its meaning, cause and fix')
    .description('Explains the codes that verify prints before each finding.')
    .argument('[code]', 'code of a finding (default: list all codes)')
    .addHelpText('after', DETAILS)
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
