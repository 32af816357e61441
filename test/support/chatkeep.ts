import { Readable } from 'node:stream'
import { tmpdir } from 'node:os'
import type { ProcessContext } from '../../src/cli/context.js'
import type { OutputStream } from '../../src/terminal/output-stream.js'
import { runProgram } from '../../src/program.js'

export interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** The whole environment: the real one is hidden. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** A folder without `.env` when absent. */
  readonly cwd?: string
  /** What is typed or piped in. */
  readonly stdin?: string
  readonly signal?: AbortSignal
  /** The terminal that the command was started from; none when absent. */
  readonly terminal?: ReturnType<ProcessContext['terminal']>
  /** Called with each piece of stdout as it is written, for commands that go on after their answer. */
  readonly onStdout?: (text: string) => void
  readonly onStderr?: (text: string) => void
  /** Makes stdout and stderr a terminal of this width. */
  readonly columns?: number
}

/** Runs one command line in this process, as `main.ts` would; nothing can be asked. */
export const runChatkeep = async (argv: readonly string[], options: RunOptions = {}): Promise<Run> => {
  const stdout = capture(options.onStdout, options.columns)
  const stderr = capture(options.onStderr, options.columns)
  const exitCode = await runProgram({ ...processContext(argv, options), stdout, stderr })
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() }
}

/** The context of one command line: no terminal, and none of the real environment. */
export const processContext = (argv: readonly string[], options: RunOptions = {}): ProcessContext => ({
  argv,
  env: options.env ?? {},
  cwd: options.cwd ?? tmpdir(),
  pid: process.pid,
  platform: `Node.js ${process.version}, ${process.platform} ${process.arch}`,
  stdin: { stream: Readable.from(options.stdin === undefined ? [] : [options.stdin]), isTTY: false },
  stdout: capture(options.onStdout, options.columns),
  stderr: capture(options.onStderr, options.columns),
  terminal: () => options.terminal,
  signal: options.signal ?? new AbortController().signal,
})

const capture = (onText?: (text: string) => void, columns?: number): OutputStream & { text(): string } => {
  let all = ''
  return {
    write: (text) => {
      all += text
      onText?.(text)
    },
    text: () => all,
    isTTY: columns !== undefined,
    columns,
  }
}
