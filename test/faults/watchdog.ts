import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { killFamily, readPostmasterPid, signalIfThere } from '../support/process-tree.js'

// Outlives a campaign that is killed, and ends what that leaves behind, also what stands still.
// It is told "+PID" and "-PID", a line each; the end of its input is the end of the campaign.
const [folder = '', whatToDo = 'remove'] = process.argv.slice(2)
const living = new Set<number>()

const read = async (): Promise<void> => {
  let rest = ''
  for await (const text of process.stdin) {
    const lines = (rest + String(text)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('+')) living.add(Number(line.slice(1)))
      else living.delete(Number(line.slice(1)))
    }
  }
}

process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
await read()
for (const pid of living) signalIfThere(pid, 'SIGKILL')
if (existsSync(folder)) {
  // Without that file the database has ended in order.
  const postmaster = await readPostmasterPid(join(folder, 'database')).catch(() => undefined)
  if (postmaster !== undefined) await killFamily(postmaster).catch(() => undefined)
  if (whatToDo === 'remove') await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}
