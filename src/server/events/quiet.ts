import { within } from '../../concurrency/within.js'
import type { ChatSocket } from '../chat-io.js'

/**
 * Between the parts of what a client sends at once: by polling one message goes alone, the others after its answer, and while a
 * connection is upgraded all of them wait. Longer than two round trips of a slow network.
 */
const PAUSE_MS = 500
const LONGEST_MS = 2_000

/**
 * Watches what a client sends on a socket.
 * @returns a function that waits until nothing has come for a while, or the socket has ended; two seconds at most
 */
export const watchQuiet = (socket: ChatSocket): (() => Promise<void>) => {
  let heardAt = performance.now()
  const hear = (): void => void (heardAt = performance.now())
  socket.onAny(hear)
  socket.conn.on('upgrade', hear)
  return async () => {
    const latest = performance.now() + LONGEST_MS
    const ended = new Promise((resolve) => socket.once('disconnect', resolve))
    const leftMs = (): number => {
      if (socket.conn.upgrading) hear()
      return Math.min(heardAt + PAUSE_MS, latest) - performance.now()
    }
    while (socket.connected && leftMs() > 0) await within(leftMs(), ended)
  }
}
