import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from './pacing.js'

/** Longest time that a timer can be set to. */
const LONGEST_MS = 2_147_483_647

/** The machine's clock; a wait ends when the signal fires. */
export const monotonicClock = (signal: AbortSignal): Clock => ({
  nowMs: () => performance.now(),
  waitUntil: async (ms) => {
    for (let left = ms - performance.now(); left > 0 && !signal.aborted; left = ms - performance.now()) {
      // The abort is seen by whoever waits, in its own words.
      await delay(Math.min(left, LONGEST_MS), undefined, { signal }).catch(() => undefined)
    }
  },
})
