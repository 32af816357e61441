import { Argument, Command } from '@commander-js/extra-typings'

/** For the help only: when it is called, the program adds the completion library's own subcommand instead. */
export const completionCommand = () =>
  new Command('completion')
    .summary('print a completion script for bash, zsh, fish or powershell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish', 'powershell']))
    .addHelpText('after', '\nExample:\n  source <(chatkeep completion bash)')
