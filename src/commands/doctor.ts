import { Argument, Command } from '@commander-js/extra-typings'
import type { Run } from '../cli/command.js'
import { COMMAND_GROUPS, withDatabaseFlags } from '../cli/flags.js'
import { withExamples } from '../cli/help/examples.js'

const NOTES = `
Shows each parameter of the connection with its source, how the connection is
encrypted, what stands between chatkeep and the server, the settings of the
server that matter, the role and its privileges, and which commands can run.
When the connection fails, it shows at which stage. No password is printed.
--verbose shows all parameters, and all settings with their sources.

Nothing is written and no table is locked, so that it works on a standby, while
tables are locked, through a pooler, and as a role that may only connect.
Exit 1 means a problem, or that a command you named, or every command, cannot
run; 3 that the connection failed.`

const COMMANDS = ['migrate', 'verify', 'rollback', 'metrics', 'reconcile', 'replay', 'serve'] as const

export const doctorCommand = (run: Run) =>
  withExamples(
    withDatabaseFlags(new Command('doctor')),
    ['chatkeep doctor', 'what is wrong here?'],
    ['chatkeep doctor migrate', 'can migrate run here?'],
    ['chatkeep doctor --verbose', 'all parameters and settings with their sources'],
    ['chatkeep doctor --json', 'for programs, and for a report of a problem'],
  )
    .helpGroup(COMMAND_GROUPS.checks)
    .summary('examine connection, server and role; say which commands can run')
    .description('Examines the connection, the server, the role and its privileges, and names a fix for each problem.')
    .addArgument(new Argument('[commands...]', 'commands that must be able to run').choices(COMMANDS))
    .addHelpText('after', NOTES)
    .action(
      run(async (context, commands, options) => {
        const { runDoctor } = await import('../doctor/run-doctor.js')
        return runDoctor({ ...options, commands }, context, (kind, work) => context.withTarget(options, kind, work))
      }),
    )
