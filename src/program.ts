import { Command, CommanderError, type CommandUnknownOpts, type Option } from '@commander-js/extra-typings'
import type { CommandFactory } from './cli/command.js'
import type { ProcessContext } from './cli/context.js'
import { OWN_GROUP, SHARED_GROUPS } from './cli/flags.js'
import { createRun, type Outcome } from './cli/run-command.js'
import { completionCommand } from './commands/completion.js'
import { completeCodes } from './commands/explain.js'
import { commands } from './commands/index.js'
import { ExitCode, OperatorError } from './errors.js'
import { packageVersion } from './package-root.js'
import type { OutputStream } from './terminal/output-stream.js'
import { widthOf } from './terminal/width.js'
import { wrapText } from './terminal/wrap.js'

const EXIT_CODES = `
Exit codes:
  0         success
  1         the check failed: findings, lost messages, a failed migration
  2         usage error: unknown flag, bad configuration, missing file
  3         database unavailable: connection, privilege, time-out
  4         busy: another session holds a lock; try again
  5         refused: not confirmed, or data would be lost
  70        bug in chatkeep
  129       interrupted by SIGHUP: the terminal is gone
  129, 130, 131, 143
            interrupted by SIGHUP, SIGINT, SIGQUIT, SIGTERM

The database is named by --database-url or -d, else by DIRECT_URL (migrate,
rollback, verify) or DATABASE_URL, else by PGHOST, PGDATABASE, PGSERVICE and the
password file, as in psql. Variables may also be set in the file that --env-file
names, else in .env.`

/**
 * Runs one command line.
 * @returns the exit code; nothing is thrown
 */
export const runProgram = async (context: ProcessContext): Promise<number> => {
  const outcome: Outcome = { exitCode: ExitCode.done }
  try {
    const program = asksForCompletion(context.argv)
      ? await withCompletion(
          buildProgram(
            commands.filter((create) => create !== completionCommand),
            outcome,
            context,
          ),
        )
      : buildProgram(commands, outcome, context)
    await program.parseAsync([...context.argv], { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.done
    return reportUsage(error, context)
  }
}

const asksForCompletion = ([name, ...rest]: readonly string[]): boolean =>
  (name === 'completion' && !rest.some((word) => word === '-h' || word === '--help')) || name === 'complete'

// The library adds `completion SHELL` and the hidden `complete -- …` that its scripts call, and prints both itself.
const withCompletion = async (program: CommandUnknownOpts): Promise<CommandUnknownOpts> => {
  const { default: addCompletion } = await import('@bomb.sh/tab/commander')
  await completeCodes(program.commands)
  // Its types are commander's own, ours are commander's with inferred options: the same class.
  addCompletion(program as never, { completionCommandName: 'completion' })
  return program
}

/** The descriptions of flags are wrapped in their column while it is this wide. */
const NARROWEST_COLUMN = 24

/** The whole command line as commander knows it; completion and the docs read it, too. */
export const buildProgram = (
  factories: readonly CommandFactory[],
  outcome: Outcome,
  context: ProcessContext,
): CommandUnknownOpts => {
  const run = createRun(outcome, context, runProgram)
  // commander does not wrap what is added to a help, such as examples.
  const wrapHelp = (text: string, stream: OutputStream): string => wrapText(text, widthOf(stream, context.env))
  const program = new Command('chatkeep')
    .description("Keeps every message of a live chat in PostgreSQL, guests' included.")
    .version(packageVersion(), '-V, --version', 'print the version')
    .addHelpText('after', EXIT_CODES)
  program.configureHelp({ sortSubcommands: false, showGlobalOptions: false })
  for (const create of factories) program.addCommand(create(run))
  for (const command of [program, ...program.commands]) {
    putOwnFlagsFirst(command)
    command
      .helpOption('-h, --help', 'print this help')
      .configureHelp({ ...command.configureHelp(), minWidthToWrap: NARROWEST_COLUMN })
      .exitOverride()
      .configureOutput({
        writeOut: (text) => context.stdout.write(wrapHelp(text, context.stdout)),
        writeErr: (text) => context.stderr.write(wrapHelp(text, context.stderr)),
        outputError: () => undefined,
        getOutHelpWidth: () => widthOf(context.stdout, context.env),
        getErrHelpWidth: () => widthOf(context.stderr, context.env),
      })
  }
  return program
}

// The help shows groups in the order of their first flag, and a reader looks for a command's own flags first.
const putOwnFlagsFirst = ({ options }: CommandUnknownOpts): void => {
  const rank = ({ helpGroupHeading = OWN_GROUP }: Option): number =>
    helpGroupHeading === OWN_GROUP ? 0 : SHARED_GROUPS.findIndex((heading) => heading === helpGroupHeading) + 2
  // Commander has no other way to order flags after they were declared.
  const declared = options as Option[]
  declared.sort((a, b) => rank(a) - rank(b))
}

// Mistakes in the command line itself. Errors inside a command were reported by its runner.
const reportUsage = async (error: unknown, context: ProcessContext): Promise<number> => {
  const usage =
    error instanceof CommanderError
      ? new OperatorError('usage', error.message.replace(/^error: /, ''), {
          hint: helpHint(context.argv),
          cause: error,
        })
      : error
  // `chatkeep` alone: commander has printed the help.
  if (error instanceof CommanderError && error.code === 'commander.help') return ExitCode.usage
  const { reportFailure } = await import('./cli/report-failure.js')
  return reportFailure(usage, commandOf(context.argv), context)
}

const helpHint = (argv: readonly string[]): string => {
  const name = commandOf(argv)
  return name === undefined ? 'chatkeep --help' : `chatkeep ${name} --help`
}

// Builds every subcommand again, which only a mistake pays for.
const commandOf = (argv: readonly string[]): string | undefined => {
  const names = commands.map((create) => create(() => () => Promise.resolve()).name())
  return argv.find((word) => names.includes(word))
}
