import { ExitCode, OperatorError } from '../errors.js'
import type { CommandContext, CommandResult, OutputMode, Run, RunProgram } from './command.js'
import type { OutputStream } from '../terminal/output-stream.js'
import type { ProcessContext } from './context.js'

/** Where a run leaves its exit code. */
export interface Outcome {
  exitCode: number
}

interface OutputOptions {
  readonly json?: true | undefined
  readonly format?: string | undefined
  readonly color: boolean
}

/**
 * Makes the `run` that commands wrap their bodies in: it prepares their context, prints what they return,
 * reports what they throw, and leaves the exit code in `outcome`.
 */
export const createRun =
  (outcome: Outcome, processContext: ProcessContext, runProgram: RunProgram): Run =>
  (body) =>
  async (...args) => {
    // commander calls an action with the arguments, then the options, then the command.
    const command = args.at(-1) as { name(): string }
    const { json = false, format, color } = args.at(-2) as OutputOptions
    outcome.exitCode = await runBody(
      { name: command.name(), json: json || format === 'json', colour: color },
      processContext,
      runProgram,
      (context) => body(context, ...args),
    )
  }

const runBody = async (
  mode: OutputMode,
  processContext: ProcessContext,
  runProgram: RunProgram,
  body: (context: CommandContext) => Promise<CommandResult | undefined>,
): Promise<number> => {
  const { createContext } = await import('./create-context.js')
  const { context, stdoutRender, stderrRender } = createContext(mode, processContext, runProgram)
  let answers = 0
  const print = ({ exitCode = ExitCode.done, data, text }: CommandResult): void => {
    answers += 1
    context.progress.clear()
    if (mode.json) writeJson(context.stdout, { ok: exitCode === ExitCode.done, command: mode.name, ...data })
    else writeText(context.stdout, text(stdoutRender))
  }
  try {
    const result = await body({ ...context, print })
    if (result !== undefined) print(result)
    return result?.exitCode ?? ExitCode.done
  } catch (error) {
    context.progress.clear()
    const { exitCodeOf, renderError, toErrorDocument } = await import('./report-error.js')
    const known = await explain(error)
    if (mode.json && answers === 0)
      writeJson(context.stdout, { ok: false, command: mode.name, error: toErrorDocument(known) })
    // With --json everything on stderr is NDJSON.
    if (mode.json)
      context.stderr.write(`${JSON.stringify({ at: new Date(), type: 'error', ...toErrorDocument(known) })}\n`)
    else context.stderr.write(renderError(known, stderrRender))
    return exitCodeOf(known)
  }
}

// A file that cannot be read or written is the reader's to mend, wherever it was met.
const explain = async (error: unknown): Promise<unknown> => {
  const { fileError } = await import('./file-error.js')
  return error instanceof OperatorError ? error : (fileError(error) ?? error)
}

const writeText = (stream: OutputStream, text: string): void => {
  if (text !== '') stream.write(`${text}\n`)
}

const writeJson = (stream: OutputStream, document: Readonly<Record<string, unknown>>): void => {
  const text = JSON.stringify(
    document,
    (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    2,
  )
  stream.write(`${text}\n`)
}
