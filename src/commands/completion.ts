import { Argument, Command } from '@commander-js/extra-typings'
import { COMMAND_GROUPS } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'

/** For the help only: on a call, the program adds the completion library's own subcommand instead. */
export const completionCommand = () =>
  withExamples(new Command('completion'), ['source <(chatkeep completion bash)', 'in this shell, or in ~/.bashrc'])
    .helpGroup(COMMAND_GROUPS.help)
    .summary('print a completion script for bash, zsh, fish or powershell')
    .description('Prints a script that completes the subcommands and flags of chatkeep in a shell.')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish', 'powershell']))
