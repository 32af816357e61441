import { ExitCode, OperatorError } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import { outputFormat } from '../terminal/formats/index.js'
import type { CommandContext, OutputMode, Run, RunProgram, Verbosity } from './command.js'
import type { ProcessContext } from './context.js'
import { createPagedOutput, pagerEnvironment, pagerFor, type PagedOutput } from './pager.js'

/** Holds the exit code of a run. */
export interface Outcome {
  exitCode: number
}

interface OutputOptions {
  readonly json?: true | undefined
  readonly format?: string | undefined
  readonly color: boolean
  readonly envFile?: string | undefined
  readonly quiet?: true | undefined
  readonly verbose?: true | undefined
  readonly pager: boolean
  /** Of commands that redraw their answer. */
  readonly watch?: unknown
}

/**
 * Makes the `run` that commands wrap their bodies in: it prepares their context, prints their answer,
 * reports their errors, and leaves the exit code in `outcome`.
 */
export const createRun =
  (outcome: Outcome, processContext: ProcessContext, runProgram: RunProgram): Run =>
  (body) =>
  async (...args) => {
    // commander calls an action with the arguments, then the options, then the command.
    const command = args.at(-1) as { name(): string }
    const options = args.at(-2) as OutputOptions
    outcome.exitCode = await runBody(
      {
        name: command.name(),
        format: outputFormat(chosenFormat(options)),
        colour: options.color,
        verbosity: verbosityOf(options),
      },
      processContext,
      { runProgram, envFile: options.envFile, mayPage: options.pager && options.watch === undefined },
      (context) => {
        refuseTwoFormats(options)
        return body(context, ...args)
      },
    )
  }

// With --json a program reads the answer: it gets its document also when the two flags contradict each other.
const chosenFormat = ({ json, format }: OutputOptions): string | undefined => (json === true ? 'json' : format)

const verbosityOf = ({ quiet, verbose }: OutputOptions): Verbosity =>
  quiet === true ? 'quiet' : verbose === true ? 'verbose' : 'normal'

const refuseTwoFormats = ({ json, format }: OutputOptions): void => {
  if (json === true && format !== undefined && format !== 'json')
    throw new OperatorError('usage', `--json and --format ${format} exclude each other`)
}

interface RunOptions {
  readonly runProgram: RunProgram
  readonly envFile: string | undefined
  readonly mayPage: boolean
}

const runBody = async (
  mode: OutputMode,
  processContext: ProcessContext,
  { runProgram, envFile, mayPage }: RunOptions,
  body: (context: CommandContext) => Promise<Answer | undefined>,
): Promise<number> => {
  const { createContext } = await import('./create-context.js')
  const paged = mayPage && mode.format.name === 'text' ? pagedOutput(processContext) : undefined
  const outer = paged === undefined ? processContext : { ...processContext, stdout: paged.stream }
  const { context, scriptOutput, naming, detail, redact, end } = createContext(mode, outer, runProgram, envFile)
  const { name, format, verbosity } = mode
  let hasCommands = false
  const write = (text: string, stream = context.stdout): void => {
    if (text === '') return
    hasCommands ||= /\bchatkeep [a-z]/.test(text)
    stream.write(`${text}\n`)
  }
  const remark = (): void => {
    if (!hasCommands || format.stderrIsFor === 'programs' || verbosity === 'quiet') return
    for (const text of naming()?.remarks ?? []) write(`note: ${text}`, context.stderr)
  }
  const startedAt = performance.now()
  const ended = (exitCode: ExitCode): ExitCode => {
    detail(`took ${Math.round(performance.now() - startedAt)} ms, exit code ${exitCode}`)
    return exitCode
  }
  let answers = 0
  const print = (answer: Answer): void => {
    answers += 1
    context.progress.clear()
    const isScript = answer.isScript === true && format.name === 'text'
    const shown = verbosity === 'quiet' ? { ...answer, text: answer.verdict ?? answer.text } : answer
    write(format.answer(name, shown, context.render), isScript ? scriptOutput : context.stdout)
  }
  try {
    const answer = await body({ ...context, print })
    end()
    if (answer !== undefined) {
      paged?.hold()
      print(answer)
      // A reader who left the pager at the first page has not seen the verdict, which is last.
      if ((await paged?.release()) === true) write(answer.verdict?.(context.render) ?? '')
    }
    remark()
    return ended(answer?.exitCode ?? ExitCode.done)
  } catch (error) {
    context.progress.clear()
    const { errorEvent, exitCodeOf, renderError, toErrorDocument } = await import('../terminal/error-document.js')
    const { describeCauses } = await import('../terminal/describe-causes.js')
    const known = await explain(error)
    const report = await reportBug(known, processContext, redact)
    const document = toErrorDocument(known, naming(), report)
    // A pipeline reads the document that it asked for, also when the command failed.
    if (answers === 0) write(format.error(name, document))
    write(
      format.stderrIsFor === 'programs'
        ? errorEvent(document)
        : renderError(known, context.progressRender, naming(), report).trimEnd(),
      context.stderr,
    )
    for (const line of describeCauses(error)) detail(line)
    remark()
    return ended(exitCodeOf(known))
  } finally {
    end()
  }
}

const pagedOutput = (context: ProcessContext): PagedOutput | undefined => {
  const { runPager } = context
  const command = pagerFor(context)
  if (runPager === undefined || command === undefined) return undefined
  return createPagedOutput(context.stdout, (text) => runPager(command, text, pagerEnvironment(context.env)))
}

const reportBug = async (
  error: unknown,
  context: ProcessContext,
  redact: (text: string) => string,
): Promise<string | undefined> => {
  if (error instanceof OperatorError) return undefined
  const { writeCrashReport } = await import('./crash-report.js')
  return writeCrashReport(error, context, redact)
}

// An operator can act on a file that cannot be read or written, wherever it is opened.
const explain = async (error: unknown): Promise<unknown> => {
  const { fileError } = await import('./file-error.js')
  return error instanceof OperatorError ? error : (fileError(error) ?? error)
}
