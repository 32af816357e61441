import { readFile } from 'node:fs/promises'

/**
 * The processor time that these processes have used, in microseconds, from the scheduler of Linux.
 * @returns null where there is no such account
 */
export const readCpuMicros = async (pids: readonly number[]): Promise<number | null> => {
  try {
    const accounts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/schedstat`, 'utf8')))
    return accounts.reduce((sum, account) => sum + Number(account.split(' ')[0]) / 1_000, 0)
  } catch {
    // Not Linux, or a kernel without these statistics.
    return null
  }
}
