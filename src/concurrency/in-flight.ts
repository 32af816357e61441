import { setTimeout as delay } from 'node:timers/promises'

/** Knows what the server is still doing, so that closing can wait for it. */
export interface Drain {
  /** Whether new work is to be refused. */
  readonly closing: boolean
  /**
   * Counts a piece of work until it settles.
   * @param giveUp called when the server ends without it
   */
  track(work: Promise<unknown>, giveUp: () => void): void
  /**
   * Has new work refused and waits for what is under way, but not longer than this.
   * @returns how much was given up
   */
  finish(deadlineMs: number): Promise<number>
}

export const createDrain = (): Drain => {
  const underWay = new Map<Promise<unknown>, () => void>()
  let closing = false
  return {
    get closing() {
      return closing
    },
    track: (work, giveUp) => {
      underWay.set(work, giveUp)
      const forget = (): boolean => underWay.delete(work)
      work.then(forget, forget)
    },
    finish: async (deadlineMs) => {
      closing = true
      await within(deadlineMs, Promise.allSettled(underWay.keys()))
      const unfinished = [...underWay.values()]
      for (const giveUp of unfinished) giveUp()
      return unfinished.length
    },
  }
}

/** Waits for the work, but not longer than this; a failure of it is not awaited either. */
export const within = async (limitMs: number, work: Promise<unknown>): Promise<void> => {
  const timer = new AbortController()
  const limit = delay(limitMs, undefined, { signal: timer.signal }).catch(() => undefined)
  await Promise.race([work.catch(() => undefined), limit])
  timer.abort()
}
