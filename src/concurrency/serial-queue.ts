/** Runs tasks one after another. */
export type SerialQueue = <T>(task: () => T | Promise<T>) => Promise<T>

/** A queue that runs its tasks in the order of the calls; a failed task does not stop the next. */
export const createSerialQueue = (): SerialQueue => {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const run = last.then(task)
    // The caller of the task gets its error; the queue only waits for its end.
    last = run.catch(() => undefined)
    return run
  }
}
