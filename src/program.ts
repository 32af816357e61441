import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings'
import type { CommandFactory } from './cli/command.js'
import type { ProcessContext } from './cli/context.js'
import { GENERAL_GROUP, helpOption } from './cli/flags.js'
import { withExamples } from './cli/help/examples.js'
import { formatHelp } from './cli/help/format-help.js'
import { createRun, type Outcome } from './cli/run-command.js'
import { subcommandFirst } from './cli/subcommand-first.js'
import { commands } from './commands/index.js'
import { ExitCode } from './errors.js'
import { packageVersion } from './package-root.js'
import type { OutputStream } from './terminal/output-stream.js'
import { hasUnicode, toAscii } from './terminal/unicode.js'
import { widthOf } from './terminal/width.js'
import { wrapText } from './terminal/wrap.js'

/**
 * Runs one command line.
 * @returns the exit code; nothing is thrown
 */
export const runProgram = async (typed: ProcessContext): Promise<number> => {
  const outcome: Outcome = { exitCode: ExitCode.done }
  let context = typed
  try {
    context = { ...typed, argv: subcommandFirst(typed.argv, startsWithOption(typed) ? plainCommands() : []) }
    if (context.argv[0] === 'complete') return await answerCompletion(context)
    const program = buildProgram(commands, outcome, context)
    await program.parseAsync([...context.argv], { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.done
    return reportUsage(error, context)
  }
}

const startsWithOption = ({ argv: [first = ''] }: ProcessContext): boolean => first.startsWith('-')

// Builds every subcommand again, for command lines that begin with an option, and for mistakes.
const plainCommands = (): readonly CommandUnknownOpts[] =>
  commands.map((create) => create(() => () => Promise.resolve()))

// What the scripts of `completion` call, while somebody types: it says nothing of its own mistakes.
const answerCompletion = async ({ argv, env, stdout }: ProcessContext): Promise<number> => {
  const { answerShell } = await import('./cli/completion/answer-shell.js')
  stdout.write(await answerShell(argv, env, plainCommands()).catch(() => ''))
  return ExitCode.done
}

/** The descriptions of flags are wrapped in their column while it is this wide. */
const NARROWEST_COLUMN = 24

const NOTES = `
Options may stand before or after the command. More:
  chatkeep help COMMAND | environment | exit-codes | formats`

/** The whole command line as commander knows it; completion and the docs read it, too. */
export const buildProgram = (
  factories: readonly CommandFactory[],
  outcome: Outcome,
  context: ProcessContext,
): CommandUnknownOpts => {
  const run = createRun(outcome, context, runProgram)
  // commander does not wrap what is added to a help, such as notes.
  const wrapHelp = (text: string, stream: OutputStream): string =>
    wrapText(hasUnicode(context.env) ? text : toAscii(text), widthOf(stream, context.env))
  const program = withExamples(
    new Command('chatkeep'),
    ['chatkeep demo', 'all commands, on a PostgreSQL of their own'],
    ['chatkeep migrate -d crm --dry-run', 'what the update would do to crm'],
    ['chatkeep status -d crm', 'is it alive, what is wrong, what to type'],
    ['chatkeep verify -d crm', 'is the update complete, and the data whole?'],
    ['chatkeep serve -d crm', 'run the chat server'],
  )
    .description("Keeps every message of a live chat in PostgreSQL, guests' included.")
    .usage('<command> [options]')
    .optionsGroup(GENERAL_GROUP)
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', NOTES)
  for (const create of factories) program.addCommand(create(run, context.stdout))
  for (const command of [program, ...program.commands]) {
    command
      .addHelpOption(helpOption())
      .configureHelp({ formatHelp, subcommandTerm: (sub) => sub.name(), minWidthToWrap: NARROWEST_COLUMN })
      .showSuggestionAfterError(false)
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

// Mistakes in the command line itself. Errors inside a command were reported by its runner.
const reportUsage = async (error: unknown, context: ProcessContext): Promise<number> => {
  // `chatkeep` alone: commander has printed the help.
  if (error instanceof CommanderError && error.code === 'commander.help') return ExitCode.usage
  const known = plainCommands()
  const command = context.argv.find((word) => known.some((one) => one.name() === word))
  const { usageError } = await import('./cli/usage-error.js')
  const { reportFailure } = await import('./cli/report-failure.js')
  const reported = error instanceof CommanderError ? usageError(error, command, known, context.argv) : error
  return reportFailure(reported, command, context)
}
