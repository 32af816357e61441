import { Argument, Command } from '@commander-js/extra-typings'

/** For the help only: on a call, the program adds the completion library's own subcommand instead. */
export const completionCommand = () =>
  new Command('completion')
    .summary('print a completion script for bash, zsh, fish or powershell')
    .description('Prints a script that completes the subcommands and flags of chatkeep in a shell.')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish', 'powershell']))
    .addHelpText('after', '\nExample:\n  source <(chatkeep completion bash)')
