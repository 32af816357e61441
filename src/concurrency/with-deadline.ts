import { setTimeout as delay } from 'node:timers/promises'

class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/**
 * Waits for the work, which goes on after the time limit.
 * @throws NoAnswer after the time limit; the work's own errors, also those that it throws at once
 */
export const withDeadline = async <T>(limitMs: number, work: () => Promise<T>): Promise<T> => {
  const timer = new AbortController()
  const limit = delay(limitMs, undefined, { signal: timer.signal }).then((): never => {
    throw new NoAnswer(`no answer within ${limitMs} ms`)
  })
  limit.catch(() => undefined)
  try {
    return await Promise.race([work(), limit])
  } finally {
    timer.abort()
  }
}
