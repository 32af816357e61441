import { Argument, Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { withValues } from '../cli/completion/source.js'
import { COMMAND_GROUPS, withOutputFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'

const NOTES = `
Does not connect to a database.`

export const explainCommand = (run: Run) =>
  withExamples(
    withOutputFlags(new Command('explain')),
    ['chatkeep explain', 'list all codes'],
    ['chatkeep explain index_invalid', 'meaning, cause and fix of one code'],
    ['chatkeep explain 55P03', 'what an error of the server means'],
  )
    .helpGroup(COMMAND_GROUPS.checks)
    .summary('explain a finding of verify, or an error of the server')
    .description('Explains the codes that verify prints before each finding, and SQLSTATEs: errors of the server.')
    .addArgument(
      withValues(new Argument('[code]', 'code of a finding, or SQLSTATE (default: list all codes)'), async () => {
        const { codeCandidates } = await import('../verify/explain-code.js')
        return codeCandidates()
      }),
    )
    .addHelpText('after', NOTES)
    .action(
      run(async (_context, code) => {
        const { explainCode } = await import('../verify/explain-code.js')
        return explainCode(code)
      }),
    )
