import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inspectProcess } from '../../src/database/embedded/process.js'
import { until } from './until.js'

/** The postmaster's process id. @param dataDirectory of an embedded server */
export const readPostmasterPid = async (dataDirectory: string): Promise<number> =>
  Number.parseInt(await readFile(join(dataDirectory, 'data', 'postmaster.pid'), 'utf8'), 10)

/** Whether a process runs; a zombie, which still accepts signals, does not. */
export const isRunning = async (pid: number): Promise<boolean> => (await inspectProcess(pid)) !== undefined

/** A process and its children, the process first. */
export const familyOf = async (parent: number): Promise<readonly number[]> => {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid='])
  const processes = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  const children = processes.flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []))
  return [parent, ...children]
}

/** Sends a signal. @returns false when the process has ended */
export const signalIfThere = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    // It may have ended in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    return false
  }
}

/** Kills a process and all its children at once, and waits until they are gone. @returns how many there were */
export const killFamily = async (parent: number): Promise<number> => {
  // Stopped, it cannot start further processes meanwhile.
  process.kill(parent, 'SIGSTOP')
  const pids = await familyOf(parent)
  const killed = pids.filter((pid) => signalIfThere(pid, 'SIGKILL'))
  for (const pid of pids) await until(async () => !(await isRunning(pid)), { what: `process ${pid} has ended` })
  return killed.length
}
