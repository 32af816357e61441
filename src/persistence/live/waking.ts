/** What lets a subscription wait for its next reading. */
export interface Waking {
  /** A reading is due: there may be something new. */
  wake(): void
  /** Something new may become visible soon, at a moment that is not announced: readings follow in growing distances. */
  expect(): void
  /** Resolves when a reading is due: after `wake`, or at the latest when the longest pause is over. */
  due(): Promise<void>
  /** Resolves `due` at once, now and from now on. */
  end(): void
}

/** Wakes at the same time share a reading; this is how far two readings are apart at the least. */
const LEAST_MS = 20

export const createWaking = (longestMs: number): Waking => {
  let isWoken = false
  let hasEnded = false
  let pauseMs = longestMs
  let lastAt = -Infinity
  let timer: NodeJS.Timeout | undefined
  let resolve: (() => void) | undefined

  const arm = (): void => {
    clearTimeout(timer)
    if (resolve === undefined) return
    const leastMs = Math.max(0, lastAt + LEAST_MS - performance.now())
    const ms = hasEnded ? 0 : isWoken ? leastMs : Math.max(leastMs, pauseMs)
    if (ms === 0) fire()
    else timer = setTimeout(fire, ms)
  }
  const fire = (): void => {
    const act = resolve
    resolve = undefined
    isWoken = false
    lastAt = performance.now()
    pauseMs = Math.min(2 * pauseMs, longestMs)
    act?.()
  }
  return {
    wake: () => {
      if (isWoken) return
      isWoken = true
      arm()
    },
    expect: () => {
      pauseMs = Math.min(LEAST_MS, longestMs)
      arm()
    },
    due: () =>
      new Promise((act) => {
        resolve = act
        arm()
      }),
    end: () => {
      hasEnded = true
      arm()
    },
  }
}
