import { Argument, Command } from '@commander-js/extra-typings'

/**
 * Only what the help shows of it: the program puts the completion library's own subcommand in its place when it is called,
 * since that library wants to see all other subcommands first.
 */
export const completionCommand = () =>
  new Command('completion')
    .summary('print a completion script for bash, zsh, fish or powershell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish', 'powershell']))
    .addHelpText('after', '\nExample:\n  source <(chatkeep completion bash)')
