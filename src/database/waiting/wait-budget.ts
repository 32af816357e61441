/** How long a command may wait for locks in all: for the migration lock, for what it reads, and for the tables it changes. */
export interface WaitBudget {
  readonly maxMs: number
  /** What was waited so far. */
  spentMs: number
}

export const createWaitBudget = (maxMs: number): WaitBudget => ({ maxMs, spentMs: 0 })

/** A wait that begins now, and counts when it ends. */
export interface Wait {
  /** All waits of the command so far, with this one. */
  readonly elapsedMs: () => number
  readonly end: () => void
}

export const beginWait = (budget: WaitBudget): Wait => {
  const startedAt = performance.now()
  const { spentMs } = budget
  const elapsedMs = (): number => Math.round(spentMs + performance.now() - startedAt)
  return {
    elapsedMs,
    end: () => {
      budget.spentMs = elapsedMs()
    },
  }
}
