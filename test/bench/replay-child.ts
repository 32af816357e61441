import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import * as z from 'zod/mini'
import { runProgram } from '../../src/program.js'
import type { BenchProcess } from './bench-process.js'
import { checkFailed } from './check-failed.js'
import { createLoopDelay } from './loop-delay.js'

/** The first argument that makes of this program a process that replays. */
export const REPLAY_CHILD = 'replay-child'

const childReport = z.object({
  exitCode: z.int(),
  answer: z.string(),
  peakRssBytes: z.number(),
  loopDelayP99Ms: z.nullable(z.number()),
})

const replayAnswer = z.object({
  ok: z.literal(true),
  saved: z.int(),
  sendMs: z.number(),
  readBackMs: z.number(),
})

/** What one `chatkeep replay` did, and what it took. */
export interface ChildReplay extends z.infer<typeof replayAnswer> {
  readonly peakRssBytes: number
  readonly loopDelayP99Ms: number | null
}

/**
 * Runs `chatkeep replay FILE --through store` in a process of its own, so that its memory is its own.
 * @throws when it says that not every message was kept
 */
export const replayInChild = async (
  { ownCommand, env, signal }: BenchProcess,
  file: string,
  databaseUrl: string,
): Promise<ChildReplay> => {
  const [program = '', ...argv] = ownCommand
  const child = spawn(program, [...argv, REPLAY_CHILD, file], {
    // Not among the arguments: every user of the machine may read those.
    env: { PATH: env.PATH, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  })
  // Both, or an error of the start would be met by nobody.
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
  const { answer, ...report } = childReport.parse(JSON.parse(output))
  const parsed = replayAnswer.safeParse(JSON.parse(answer))
  if (!parsed.success) throw checkFailed(`chatkeep replay ended with ${report.exitCode}: ${answer}`)
  return { ...parsed.data, ...report }
}

/** The child's side: one document on stdout, with the command's own inside. */
export const runReplayChild = async (process: BenchProcess): Promise<number> => {
  const [, file = ''] = process.argv
  let answer = ''
  const loopDelay = createLoopDelay()
  const stop = loopDelay.start()
  const exitCode = await runProgram({
    ...process,
    argv: ['replay', file, '--through', 'store', '--json'],
    stdout: { ...process.stdout, write: (piece) => (answer += piece) },
  })
  stop()
  process.stdout.write(
    JSON.stringify({
      exitCode,
      answer,
      peakRssBytes: process.peakRssBytes(),
      loopDelayP99Ms: loopDelay.p99Ms(),
    } satisfies z.infer<typeof childReport>),
  )
  return 0
}
