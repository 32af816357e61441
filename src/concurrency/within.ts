import { setTimeout as delay } from 'node:timers/promises'

/** Waits for the work to settle, at most for the time limit; a failure of the work counts as settled. */
export const within = async (limitMs: number, work: Promise<unknown>): Promise<void> => {
  const timer = new AbortController()
  const limit = delay(limitMs, undefined, { signal: timer.signal }).catch(() => undefined)
  await Promise.race([work.catch(() => undefined), limit])
  timer.abort()
}
