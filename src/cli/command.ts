import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { ExitCode } from '../errors.js'
import type { ProcessContext } from './context.js'
import type { Environment } from './environment.js'
import type { DatabaseFlags } from './flags.js'
import type { Progress } from '../terminal/progress.js'
import type { Render } from '../terminal/render.js'
import type { ConnectionKind } from './resolve-target.js'

/** Runs a subcommand with another argument list; given by the program, which knows the list of commands. */
export type RunProgram = (context: ProcessContext) => Promise<number>

/** How one run of a command prints. */
export interface OutputMode {
  readonly name: string
  readonly json: boolean
  readonly colour: boolean
}

/** What a command gives back; the runner prints it as text or, with `--json`, as one document. */
export interface CommandResult {
  /** 0 unless the answer is no. */
  readonly exitCode?: ExitCode | 2 | 3
  /** The answer for programs: plain data, without `ok` and `command`, which the runner adds. */
  readonly data: Readonly<Record<string, unknown>>
  /** The answer for people, without a final line feed; '' prints nothing. */
  readonly text: (render: Render) => string
}

/** The world as a command sees it: streams that redact, the environment completed by `.env`, and its database. */
export interface CommandContext extends ProcessContext {
  readonly environment: Environment
  readonly json: boolean
  readonly progress: Progress
  readonly render: Render
  /** Finds the database that the flags or the environment name (or starts the embedded one) for as long as the work lasts. */
  withTarget<T>(flags: DatabaseFlags, kind: ConnectionKind, work: (target: ConnectionTarget) => Promise<T>): Promise<T>
  /** Prints the answer at once, for a command that goes on after it; its body then returns nothing. */
  print(result: CommandResult): void
  /** Runs another subcommand in the same process, as if it had been typed. */
  runChatkeep(
    argv: readonly string[],
    overrides?: Partial<Pick<ProcessContext, 'stdout' | 'stderr' | 'env' | 'cwd'>>,
  ): Promise<number>
}

/** Turns the body of a command into an action of commander: `.action(run(async (context, options) => …))`. */
export type Run = <Args extends unknown[]>(
  body: (context: CommandContext, ...args: Args) => Promise<CommandResult | undefined>,
) => (...args: Args) => Promise<void>

/** What a file in `commands/` exports: it declares the flags at once and loads its work when it runs. */
export type CommandFactory = (run: Run) => CommandUnknownOpts
