import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop comes to its timers, over several rounds. */
export interface LoopDelay {
  /** Begins a round. @returns what ends it */
  start(): () => void
  /** Null before the first sample. */
  p99Ms(): number | null
}

const RESOLUTION_MS = 5

/** A monitor that is switched on again takes the pause for a delay, and two cannot be added: so each round gives its quantiles to a sum. */
const QUANTILES_OF_A_ROUND = 400

export const createLoopDelay = (): LoopDelay => {
  const sum = createHistogram()
  return {
    start: () => {
      const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
      monitor.enable()
      return () => {
        monitor.disable()
        if (monitor.count === 0) return
        for (let index = 0; index < QUANTILES_OF_A_ROUND; index += 1) {
          sum.record(Math.max(1, Math.round(monitor.percentile((100 * (index + 0.5)) / QUANTILES_OF_A_ROUND))))
        }
      }
    },
    // The monitor counts from timer to timer, so its interval is in every sample.
    p99Ms: () => (sum.count === 0 ? null : Math.max(0, sum.percentile(99) / 1_000_000 - RESOLUTION_MS)),
  }
}
