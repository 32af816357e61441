import { fileURLToPath } from 'node:url'
import type { OutputStream } from '../../src/terminal/output-stream.js'
import { ExitCode, OperatorError } from '../../src/errors.js'
import type { BenchProcess } from './bench-process.js'
import { CHATKEEP_CHILD, runChatkeepChild } from './chatkeep-child.js'
import { REPLAY_CHILD, runReplayChild } from './replay-child.js'
import { runBench } from './run-bench.js'
import { runServeChild, SERVE_CHILD } from './serve-child.js'

const interruption = new AbortController()

const interrupt = (signal: 'SIGINT' | 'SIGTERM'): void => {
  const exitCode = signal === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated
  interruption.abort(new OperatorError('interrupted', `ended by ${signal}`, { exitCode }))
}

process.on('SIGINT', () => interrupt('SIGINT'))
process.on('SIGTERM', () => interrupt('SIGTERM'))

const toOutputStream = (stream: NodeJS.WriteStream): OutputStream => ({
  write: (text) => {
    stream.write(text)
  },
  isTTY: stream.isTTY,
  get columns() {
    return stream.columns
  },
})

const context: BenchProcess = {
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
  terminal: () => undefined,
  signal: interruption.signal,
  nodeVersion: process.versions.node,
  ownCommand: [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)],
  rssBytes: () => process.memoryUsage.rss(),
  // The system counts it in kilobytes.
  peakRssBytes: () => 1_024 * process.resourceUsage().maxRSS,
}

/** How long an interrupted run may linger on what it left behind. */
const LINGER_MS = 1_000

const run = (): Promise<number> => {
  if (context.argv[0] === REPLAY_CHILD) return runReplayChild(context)
  if (context.argv[0] === CHATKEEP_CHILD) return runChatkeepChild(context)
  if (context.argv[0] === SERVE_CHILD) return runServeChild(context)
  return runBench(context)
}

process.exitCode = await run()
setTimeout(() => process.exit(), LINGER_MS).unref()
