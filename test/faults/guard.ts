import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Sees to it that no process outlives the campaign, however that ends. */
export interface Guard {
  /** The process is ended with the campaign, if it has not ended by then. */
  readonly watch: (child: ChildProcess) => void
  /** When everything has ended. */
  readonly close: () => Promise<void>
}

/** @param keep whether the folder stays when the campaign is killed */
export const startGuard = (folder: string, keep: boolean): Guard => {
  // Built beside the campaign itself.
  const program = fileURLToPath(new URL('watchdog.js', import.meta.url))
  const watchdog = spawn(process.execPath, [program, folder, keep ? 'keep' : 'remove'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C is not for it.
    detached: true,
  })
  const { stdin } = watchdog
  // Somebody has killed the watchdog; the campaign goes on without it.
  stdin.on('error', () => undefined)
  const ended = once(watchdog, 'exit')
  return {
    watch: (child) => {
      if (child.pid === undefined) return
      const { pid } = child
      stdin.write(`+${pid}\n`)
      child.once('exit', () => stdin.write(`-${pid}\n`))
    },
    close: async () => {
      stdin.end()
      await ended
    },
  }
}
