import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, vi } from 'vitest'
import type { EmbeddedServer } from '../../src/database/embedded-server.js'
import { isRunning, readPostmasterPid } from './embedded-servers.js'

/** Kills a server and every process of it at once, as an out-of-memory killer or a pulled plug does: none can save anything. */
export const killServer = async ({ dataDirectory }: EmbeddedServer): Promise<void> => {
  const postmaster = await readPostmasterPid(dataDirectory)
  // Standing still, it starts no further process behind our back.
  process.kill(postmaster, 'SIGSTOP')
  const pids = [postmaster, ...(await childrenOf(postmaster))]
  for (const pid of pids) killIfThere(pid)
  await vi.waitFor(
    async () => {
      for (const pid of pids) expect(await isRunning(pid)).toBe(false)
    },
    { timeout: 5_000, interval: 10 },
  )
}

const childrenOf = async (parent: number): Promise<readonly number[]> => {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid='])
  const processes = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return processes.flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []))
}

const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // A backend may have ended by itself since we looked.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
