/**
 * Keeps that many callers busy, each with one call at a time, until no more is to be begun; resolves when the last call has ended.
 * @throws the first error of a call, once the other callers have ended theirs
 */
export const runCallers = async (
  callers: number,
  mayBegin: () => boolean,
  call: () => Promise<unknown>,
): Promise<void> => {
  let failure: { readonly error: unknown } | undefined
  const runCaller = async (): Promise<void> => {
    try {
      while (failure === undefined && mayBegin()) await call()
    } catch (error) {
      failure ??= { error }
    }
  }
  await Promise.all(Array.from({ length: callers }, runCaller))
  if (failure !== undefined) throw failure.error
}

/** Says yes until the time is over or the signal fires. */
export const forMs = (ms: number, signal: AbortSignal): (() => boolean) => {
  const endsAt = performance.now() + ms
  return () => !signal.aborted && performance.now() < endsAt
}

/** Says yes that many times, unless the signal fires. */
export const times = (count: number, signal: AbortSignal): (() => boolean) => {
  let begun = 0
  return () => !signal.aborted && begun++ < count
}
