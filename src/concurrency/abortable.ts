/**
 * A signal for one call inside of this code. Node makes an AbortSignal with an event target, a finalizer and weak references:
 * some of those for each save took as much processor time as the rest of it.
 */
export class OwnSignal {
  aborted = false
  reason: unknown
  readonly acts = new Set<() => void>()

  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    for (const act of [...this.acts]) act()
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }
}

export type Signal = AbortSignal | OwnSignal

/** What to do when a signal fires. One listener a signal: Node reports more than ten as a leak. */
const watched = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls the function when the signal fires, or now if it has. @returns a function that ends that */
export const onAbort = (signal: Signal, act: () => void): (() => void) => {
  if (signal.aborted) {
    act()
    return () => undefined
  }
  if (signal instanceof OwnSignal) {
    signal.acts.add(act)
    return () => void signal.acts.delete(act)
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
  signal: Signal | undefined,
  work: (own: OwnSignal | undefined) => Promise<T>,
): Promise<T> => {
  if (signal === undefined) return work(undefined)
  signal.throwIfAborted()
  const own = new OwnSignal()
  let stop = (): void => undefined
  const fired = new Promise<void>((resolve) => {
    stop = onAbort(signal, resolve)
  })
  const aborted = fired.then((): never => {
    own.abort(signal.reason)
    throw signal.reason
  })
  try {
    return await Promise.race([work(own), aborted])
  } finally {
    stop()
  }
}

/** Waits. @throws the signal's reason, at once */
export const pause = (ms: number, signal: Signal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    let stop = (): void => undefined
    const timer = setTimeout(() => {
      stop()
      resolve()
    }, ms)
    if (signal === undefined) return
    stop = onAbort(signal, () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    })
  })
