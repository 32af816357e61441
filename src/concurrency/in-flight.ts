import { within } from './within.js'

/** Work that is in flight, so that closing can wait for it. */
export interface InFlight {
  /** True from the first `drain`: the caller then refuses new work. */
  readonly closing: boolean
  /**
   * Counts a piece of work until it settles.
   * @param giveUp called when `drain` ends without it
   */
  add(work: Promise<unknown>, giveUp: () => void): void
  /**
   * Calls the listener when `drain` begins, to end what would only keep it waiting.
   * @returns a function that removes the listener
   */
  onClosing(listener: () => void): () => void
  /**
   * Waits until the work in flight has settled, at most until the deadline.
   * @returns the number of pieces that were given up
   */
  drain(deadlineMs: number): Promise<number>
}

/** Starts with nothing in flight. */
export const createInFlight = (): InFlight => {
  const pending = new Map<Promise<unknown>, () => void>()
  const listeners = new Set<() => void>()
  let closing = false
  return {
    get closing() {
      return closing
    },
    add: (work, giveUp) => {
      pending.set(work, giveUp)
      const remove = (): boolean => pending.delete(work)
      work.then(remove, remove)
    },
    onClosing: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    drain: async (deadlineMs) => {
      closing = true
      for (const listener of listeners) listener()
      await within(deadlineMs, Promise.allSettled(pending.keys()))
      const unsettled = [...pending.values()]
      for (const giveUp of unsettled) giveUp()
      return unsettled.length
    },
  }
}
