import { Argument, Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { completionScript, SHELLS } from '../cli/completion/script.js'
import { COMMAND_GROUPS } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'
import type { OutputStream } from '../terminal/output-stream.js'

const NOTES = `
Commands, flags and their values are completed, also codes of findings, services
and the databases of the server that the environment names, if it answers at
once and without a password that somebody would have to type.`

// Shells that start wait for it: it prints without the context of a run, which loads more.
export const completionCommand = (_run: Run, stdout?: OutputStream) =>
  withExamples(
    new Command('completion'),
    ['source <(chatkeep completion bash)', 'in ~/.bashrc; likewise zsh, in ~/.zshrc'],
    ['chatkeep completion fish > ~/.config/fish/completions/chatkeep.fish', 'once'],
    ['chatkeep completion powershell | Out-String | Invoke-Expression', 'in $PROFILE'],
  )
    .helpGroup(COMMAND_GROUPS.help)
    .summary('print a completion script for bash, zsh, fish or powershell')
    .description('Prints a script that completes the command line of chatkeep in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', NOTES)
    .action((shell) => stdout?.write(completionScript(shell)))
