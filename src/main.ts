import type { ProcessContext } from './cli/context.js'
import { ExitCode, OperatorError } from './errors.js'
import { runProgram } from './program.js'
import type { OutputStream } from './terminal/output-stream.js'

/** How long a finished run may linger on a forgotten handle before it is ended. */
const LINGER_MS = 2_000

const interruption = new AbortController()

/** One wish may arrive as two signals: `timeout` and some shells signal the process and its group. */
const SAME_WISH_MS = 500
let firstSignalAt = 0

const interrupt = (signal: 'SIGINT' | 'SIGTERM'): void => {
  const exitCode = signal === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated
  // A second one means it: leave at once.
  if (interruption.signal.aborted) {
    if (performance.now() - firstSignalAt > SAME_WISH_MS) process.exit(exitCode)
    return
  }
  firstSignalAt = performance.now()
  interruption.abort(new OperatorError('interrupted', `ended by ${signal}`, { exitCode }))
}

process.on('SIGINT', () => interrupt('SIGINT'))
process.on('SIGTERM', () => interrupt('SIGTERM'))

/** Why the answer could not be written, if it could not. */
let writeFailure: NodeJS.ErrnoException | undefined

// A reader that went away (`| head -1`) is no failure of ours: the rest is not written, the exit code stays.
// A disk that is full is one: whoever reads the file later must not take it for the answer.
const toOutputStream = (stream: NodeJS.WriteStream): OutputStream => {
  let open = true
  stream.on('error', (error: NodeJS.ErrnoException) => {
    open = false
    if (error.code !== 'EPIPE') writeFailure ??= error
  })
  return {
    write: (text) => {
      if (open) stream.write(text)
    },
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns
    },
  }
}

const flush = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve()
    else {
      stream.once('error', () => resolve())
      stream.write('', () => resolve())
    }
  })

const context: ProcessContext = {
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  pid: process.pid,
  stdin: {
    get stream() {
      return process.stdin
    },
    isTTY: process.stdin.isTTY,
  },
  stdout: toOutputStream(process.stdout),
  stderr: toOutputStream(process.stderr),
  signal: interruption.signal,
}

process.exitCode = await runProgram(context)
await Promise.all([flush(process.stdout), flush(process.stderr)])
if (writeFailure !== undefined) {
  context.stderr.write(`error: the answer could not be written: ${writeFailure.message}\n`)
  if (process.exitCode === 0) process.exitCode = ExitCode.unreachable
}
setTimeout(() => process.exit(), LINGER_MS).unref()
