import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { ProcessContext } from './cli/context.js'
import { controllingTerminal } from './cli/controlling-terminal.js'
import { lastWords } from './cli/leave-at-once.js'
import { isUnderNohup } from './cli/nohup.js'
import { ExitCode, OperatorError } from './errors.js'
import { packageVersion } from './package-root.js'
import type { OutputStream } from './terminal/output-stream.js'

/** How long the process may run on after its answer, if a handle is still open. */
const EXIT_PATIENCE_MS = 2_000

const interruption = new AbortController()

/** Signals this close together are one: `timeout` and some shells signal the process and its group. */
const SAME_SIGNAL_MS = 500
let firstSignalAt = 0

/** The signals that end the work, each with its exit code. */
const SIGNALS = {
  SIGHUP: ExitCode.hungUp,
  SIGINT: ExitCode.interrupted,
  SIGQUIT: ExitCode.quit,
  SIGTERM: ExitCode.terminated,
} as const

/** A pager has the terminal: Ctrl-C is for it, and the answer is given. */
let isPaging = false

/** Shown when the end takes longer than a moment. */
const ENDING = '\nending in order, which may take some seconds; Ctrl-C again leaves at once\n'

const interrupt = (signal: keyof typeof SIGNALS): void => {
  const exitCode = SIGNALS[signal]
  if (isPaging && signal === 'SIGINT') return
  // A second signal ends the process at once.
  if (interruption.signal.aborted) {
    if (performance.now() - firstSignalAt <= SAME_SIGNAL_MS) return
    context.stderr.write(`\n${lastWords(context.argv, signal)}\n`)
    process.exit(exitCode)
  }
  firstSignalAt = performance.now()
  if (context.stderr.isTTY) setTimeout(() => context.stderr.write(ENDING), SAME_SIGNAL_MS).unref()
  interruption.abort(new OperatorError('interrupted', `ended by ${signal}`, { exitCode }))
}

process.on('SIGHUP', () => {
  if (!isUnderNohup(process.env)) interrupt('SIGHUP')
})
process.on('SIGINT', () => interrupt('SIGINT'))
process.on('SIGQUIT', () => interrupt('SIGQUIT'))
process.on('SIGTERM', () => interrupt('SIGTERM'))

// Node.js has it since version 21. Where it is missing, pg makes a Response to find out whether it runs at Cloudflare, and that
// loads fetch, which takes longer than pg itself.
if (!('navigator' in globalThis)) {
  const userAgent = `Node.js/${process.versions.node.split('.')[0] ?? ''}`
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent }, configurable: true, writable: true })
}

/** Standard streams that were terminals at the start. */
const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor))

// Node.js restores the settings of these terminals when it ends, and aborts (exit code 134) where one is gone.
process.on('exit', () => {
  for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor)
})

/** Why the answer could not be written; undefined if it was. */
let writeFailure: NodeJS.ErrnoException | undefined
/** The command has noticed it, and reports it itself. */
const writes = { isFailureNoticed: false }

/** The reader closed the pipe (`| head -1`), or the terminal is gone. */
const isReaderGone = ({ code }: NodeJS.ErrnoException, { isTTY }: NodeJS.WriteStream): boolean =>
  code === 'EPIPE' || (code === 'EIO' && isTTY)

// A reader that is gone is not an error. A full disk is: the file would look complete.
const toOutputStream = (stream: NodeJS.WriteStream): OutputStream => {
  let open = true
  let failure: Error | undefined
  stream.on('error', (error: NodeJS.ErrnoException) => {
    open = false
    failure ??= error
    if (!isReaderGone(error, stream)) writeFailure ??= error
  })
  return {
    write: (text) => {
      if (open) stream.write(text)
    },
    drained: () =>
      new Promise((resolve, reject) => {
        const settle = (error: Error | null | undefined): void => {
          if (error == null) {
            resolve()
            return
          }
          writes.isFailureNoticed = true
          reject(error)
        }
        if (failure === undefined) stream.write('', settle)
        else settle(failure)
      }),
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns
    },
    get rows() {
      return stream.rows
    },
    onResize: (listener) => {
      stream.on('resize', listener)
      return () => stream.off('resize', listener)
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
  platform: `Node.js ${process.version}, ${process.platform} ${process.arch}`,
  stdin: {
    get stream() {
      return process.stdin
    },
    isTTY: process.stdin.isTTY,
  },
  stdout: toOutputStream(process.stdout),
  stderr: toOutputStream(process.stderr),
  terminal: controllingTerminal,
  runPager: async (...pager) => {
    const { runPager } = await import('./cli/run-pager.js')
    isPaging = true
    return runPager(...pager).finally(() => (isPaging = false))
  },
  signal: interruption.signal,
}

// Thrown where nothing waits for it: a bug.
process.on('uncaughtException', (error) => {
  void import('./cli/report-failure.js')
    .then(({ reportFailure }) => reportFailure(error, undefined, context))
    .finally(() => process.exit(ExitCode.bug))
})

/** The version is asked for by scripts, again and again: commander, which would print it as well, takes longer to load. */
const run = async (): Promise<number> => {
  const [only = '', ...others] = context.argv
  if (others.length === 0 && ['-V', '--version'].includes(only)) {
    context.stdout.write(`${packageVersion()}\n`)
    return ExitCode.done
  }
  const { runProgram } = await import('./program.js')
  return runProgram(context)
}

process.exitCode = await run()
await Promise.all([flush(process.stdout), flush(process.stderr)])
if (writeFailure !== undefined && !writes.isFailureNoticed) {
  context.stderr.write(`error: the answer could not be written: ${writeFailure.message}\n`)
  if (process.exitCode === 0) process.exitCode = ExitCode.unreachable
}
setTimeout(() => process.exit(), EXIT_PATIENCE_MS).unref()
