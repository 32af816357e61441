import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { checkFailed } from '../check-failed.js'
import type { Bench } from '../scenario.js'

/** A command that is started and runs to its end. */
export interface Start {
  readonly title: string
  /** A program for Node.js, and its arguments. */
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What its output must have, so that a program that fails early is not taken for a fast one. */
  readonly says: RegExp
}

/** What one start took, in milliseconds. */
export interface Took {
  readonly ms: number
  /** Of the processor, which other work on the machine hardly changes; programs that it starts are not counted. */
  readonly processorMs: number
}

/** Where a start reports the time that it had of the processor. */
const REPORT = 3

/** A module that each start loads first. */
export const REPORTER = `process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  require('node:fs').writeSync(${REPORT}, String(user + system))
})`

/** @param reporter the file of `REPORTER` @throws unless it ended well and said what it should */
export const runStart = async (
  { process, signal }: Bench,
  reporter: string,
  { title, argv, env, cwd, says }: Start,
): Promise<Took> => {
  const [node = 'node'] = process.ownCommand
  const startedAt = performance.now()
  const child = spawn(node, ['--require', reporter, ...argv], {
    env: { PATH: process.env.PATH, ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    signal,
  })
  const [output, error, microseconds] = await Promise.all([
    read(child.stdout),
    read(child.stderr),
    read(child.stdio[REPORT]),
    once(child, 'close'),
  ])
  const ms = performance.now() - startedAt
  if (child.exitCode === 0 && says.test(output + error)) return { ms, processorMs: Number(microseconds) / 1_000 }
  throw checkFailed(`${title} ended with ${child.exitCode ?? 'a signal'}: ${output}${error}`)
}

const read = (stream: unknown): Promise<string> => (stream instanceof Readable ? text(stream) : Promise.resolve(''))
