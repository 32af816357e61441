import { setTimeout as delay } from 'node:timers/promises'

/** Knows what the server is still doing, so that closing can wait for it. */
export interface Drain {
  /** Whether new work is to be refused. */
  readonly closing: boolean
  /** Counts a piece of work until it settles. */
  track(work: Promise<unknown>): void
  /** Has new work refused and waits for what is under way, but not longer than this. */
  finish(deadlineMs: number): Promise<void>
}

export const createDrain = (): Drain => {
  const underWay = new Set<Promise<unknown>>()
  let closing = false
  return {
    get closing() {
      return closing
    },
    track: (work) => {
      underWay.add(work)
      const forget = (): boolean => underWay.delete(work)
      work.then(forget, forget)
    },
    finish: async (deadlineMs) => {
      closing = true
      await within(deadlineMs, Promise.allSettled(underWay))
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
