/** Runs tasks one after another. */
export type SerialQueue = <T>(task: () => T | Promise<T>) => Promise<T>

/** A queue whose tasks run in the order of the calls; a failed one does not hold up the next. */
export const createSerialQueue = (): SerialQueue => {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const run = last.then(task)
    // Whoever asked for the task hears of its failure; the queue only waits for its end.
    last = run.catch(() => undefined)
    return run
  }
}
