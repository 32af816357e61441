import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from './pacing.js'

/** The longest delay that `setTimeout` takes. */
const LONGEST_MS = 2_147_483_647

/** The monotonic clock of the process; a wait ends when the signal fires. */
export const monotonicClock = (signal: AbortSignal): Clock => ({
  nowMs: () => performance.now(),
  waitUntil: async (ms) => {
    for (let left = ms - performance.now(); left > 0 && !signal.aborted; left = ms - performance.now()) {
      // The caller checks the signal after the wait.
      await delay(Math.min(left, LONGEST_MS), undefined, { signal }).catch(() => undefined)
    }
  },
})
