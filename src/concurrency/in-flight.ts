import { within } from './within.js'

/** Work that is in flight, so that closing can wait for it. */
export interface InFlight {
  /** True from the first `settle` or `drain`: nobody new is let in. */
  readonly closing: boolean
  /** True once a `drain` began: the caller then refuses new work. */
  readonly refusing: boolean
  /**
   * Counts a piece of work until it settles.
   * @param giveUp called when `drain` ends without it
   * @param owedTo who waits for its answer, if anybody does
   */
  add(work: Promise<unknown>, giveUp: () => void, owedTo?: object): void
  /**
   * Calls the listener when closing begins, to end what would only keep it waiting.
   * @returns a function that removes the listener
   */
  onClosing(listener: () => void): () => void
  /** Waits until what is in flight now has settled, at most until the deadline. New work is still taken. */
  settle(deadlineMs: number): Promise<void>
  /** Waits until nothing in flight is owed to somebody. */
  answered(whom: object): Promise<void>
  /**
   * Waits until the work in flight has settled, at most until the deadline.
   * @returns the number of pieces that were given up
   */
  drain(deadlineMs: number): Promise<number>
}

/** Starts with nothing in flight. */
export const createInFlight = (): InFlight => {
  const pending = new Map<Promise<unknown>, () => void>()
  const owed = new Map<object, Set<Promise<unknown>>>()
  const listeners = new Set<() => void>()
  let closing = false
  let refusing = false
  const settle = async (deadlineMs: number): Promise<void> => {
    if (!closing) {
      closing = true
      for (const listener of listeners) listener()
    }
    await within(deadlineMs, Promise.allSettled(pending.keys()))
  }
  return {
    get closing() {
      return closing
    },
    get refusing() {
      return refusing
    },
    add: (work, giveUp, owedTo) => {
      pending.set(work, giveUp)
      if (owedTo !== undefined) owed.set(owedTo, (owed.get(owedTo) ?? new Set()).add(work))
      const remove = (): void => {
        pending.delete(work)
        if (owedTo === undefined) return
        const others = owed.get(owedTo)
        others?.delete(work)
        if (others?.size === 0) owed.delete(owedTo)
      }
      work.then(remove, remove)
    },
    onClosing: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    settle,
    answered: async (whom) => {
      for (let left = owed.get(whom); left !== undefined; left = owed.get(whom)) await Promise.allSettled(left)
    },
    drain: async (deadlineMs) => {
      refusing = true
      await settle(deadlineMs)
      const unsettled = [...pending.values()]
      for (const giveUp of unsettled) giveUp()
      return unsettled.length
    },
  }
}
