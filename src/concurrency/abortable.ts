/** What to do when a signal fires. One listener a signal: Node reports more than ten as a leak. */
const watched = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls the function when the signal fires, or now if it has. @returns a function that ends that */
export const onAbort = (signal: AbortSignal, act: () => void): (() => void) => {
  if (signal.aborted) {
    act()
    return () => undefined
  }
  const known = watched.get(signal)
  const acts = known ?? new Set()
  if (known === undefined) {
    watched.set(signal, acts)
    signal.addEventListener('abort', callAll)
  }
  acts.add(act)
  return () => {
    if (!acts.delete(act) || acts.size > 0) return
    signal.removeEventListener('abort', callAll)
    watched.delete(signal)
  }
}

function callAll(this: AbortSignal): void {
  for (const act of [...(watched.get(this) ?? [])]) act()
}

/**
 * Runs work until it settles or the signal fires, whichever is first; the work has a signal of its own, and winds up by it.
 * @throws the signal's reason, at once; nothing is begun when it has fired already
 */
export const abortable = async <T>(
  signal: AbortSignal | undefined,
  work: (own: AbortSignal | undefined) => Promise<T>,
): Promise<T> => {
  if (signal === undefined) return work(undefined)
  signal.throwIfAborted()
  const own = new AbortController()
  let stop = (): void => undefined
  const fired = new Promise<void>((resolve) => {
    stop = onAbort(signal, resolve)
  })
  const aborted = fired.then((): never => {
    own.abort(signal.reason)
    throw signal.reason
  })
  try {
    return await Promise.race([work(own.signal), aborted])
  } finally {
    stop()
  }
}
