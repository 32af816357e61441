import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { runProgram } from '../../src/program.js'
import type { BenchProcess } from './bench-process.js'
import { checkFailed } from './check-failed.js'

/** The first argument that makes of this program the `chatkeep` that the other arguments are for. */
export const CHATKEEP_CHILD = 'chatkeep-child'

/**
 * Runs one command line of `chatkeep` in a process of its own.
 * @param onLine told of each line that it says about its progress, as it comes
 * @throws when it does not end with 0
 */
export const runInChild = async (
  { ownCommand, env, signal }: BenchProcess,
  argv: readonly string[],
  databaseUrl: string,
  onLine: (line: string) => void,
): Promise<void> => {
  const [program = '', ...first] = ownCommand
  const child = spawn(program, [...first, CHATKEEP_CHILD, ...argv], {
    // Not among the arguments: every user of the machine may read those.
    env: { PATH: env.PATH, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  })
  const said: string[] = []
  const lines = createInterface({ input: child.stderr })
  lines.on('line', (line) => {
    said.push(line)
    onLine(line)
  })
  // Both, or an error of the start would be met by nobody.
  const [answer] = await Promise.all([text(child.stdout), once(child, 'close')]).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
  if (child.exitCode === 0) return
  throw checkFailed(
    `chatkeep ${argv.join(' ')} ended with ${child.exitCode ?? 'a signal'}: ${answer}${said.join('; ')}`,
  )
}

/** The child's side: the command line, as `bin/chatkeep.js` would run it. */
export const runChatkeepChild = (process: BenchProcess): Promise<number> =>
  runProgram({ ...process, argv: process.argv.slice(1) })
