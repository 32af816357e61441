import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { Answer } from '../terminal/answer.js'
import type { OutputFormat } from '../terminal/formats/output-format.js'
import type { OutputStream } from '../terminal/output-stream.js'
import type { Terminal } from '../terminal/terminal.js'
import type { ProcessContext } from './context.js'
import type { Environment } from './environment.js'
import type { DatabaseFlags } from './flags.js'
import type { ConnectionKind } from './resolve-target.js'

/** Runs another command line; the program passes it, since it knows the list of commands. */
export type RunProgram = (context: ProcessContext) => Promise<number>

/** How much a command says: `quiet` the verdict and errors, `verbose` also what is normally left out. */
export type Verbosity = 'quiet' | 'normal' | 'verbose'

/** How one run of a command prints. */
export interface OutputMode {
  /** The command. */
  readonly name: string
  readonly format: OutputFormat
  readonly colour: boolean
  readonly verbosity: Verbosity
}

/** What a command sees of the outside: streams that redact secrets, the environment, and its database. */
export interface CommandContext extends ProcessContext, Terminal {
  readonly environment: Environment
  readonly format: OutputFormat
  readonly verbosity: Verbosity
  /** Finds the database that flags or environment name, or starts the embedded one, for as long as the work lasts. */
  withTarget<T>(flags: DatabaseFlags, kind: ConnectionKind, work: (target: ConnectionTarget) => Promise<T>): Promise<T>
  /** Prints the answer at once, for a command that continues after it; its body then returns nothing. */
  print(answer: Answer): void
  /** Runs another subcommand in this process, as if it had been typed. */
  readonly runChatkeep: (
    argv: readonly string[],
    overrides?: Partial<Pick<ProcessContext, 'stdout' | 'stderr' | 'env' | 'cwd'>>,
  ) => Promise<number>
}

/** Turns the body of a command into an action of commander: `.action(run(async (context, options) => …))`. */
export type Run = <Args extends unknown[]>(
  body: (context: CommandContext, ...args: Args) => Promise<Answer | undefined>,
) => (...args: Args) => Promise<void>

/**
 * What a file in `commands/` exports: it declares the flags, and loads the work only when it runs.
 * @param stdout for a command that does without the context of a run
 */
export type CommandFactory = (run: Run, stdout?: OutputStream) => CommandUnknownOpts
