import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../..', import.meta.url))
export const binary = fileURLToPath(new URL('../../bin/chatkeep.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the built program. Of the environment it gets only PATH. */
export const startChatkeep = (
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): ChildProcess =>
  spawn(process.execPath, [...nodeFlags, binary, ...argv], { cwd: tmpdir(), env: { PATH: process.env.PATH, ...env } })

/** Collects the output of a child until it ends. */
export const whenEnded = async (child: ChildProcess): Promise<Ended> => {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  // A test that plays a slow reader has paused it.
  child.stdout?.resume()
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, stdout, stderr }
}
