import { createHistogram } from 'node:perf_hooks'
import { createLoopDelay } from './loop-delay.js'

/** What was measured of one case. Null where there is nothing to tell. */
export interface Figures {
  readonly calls: number
  readonly seconds: number
  readonly perSecond: number
  /** The rate of each round: how far they lie apart says how quiet the machine was. Empty where there were none. */
  readonly roundsPerSecond: readonly number[]
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly peakRssMb: number | null
  readonly loopDelayP99Ms: number | null
}

/** Measures one case, in one or several rounds; what happens between them does not count. */
export interface Meter {
  /** The duration of the round, its memory and the delays of the event loop count. */
  round<T>(work: () => Promise<T>): Promise<T>
  /** Runs one call and counts its latency. */
  time<T>(call: () => Promise<T>): Promise<T>
  figures(): Figures
}

const RSS_INTERVAL_MS = 20
const MEGABYTE = 1_048_576

/** @param rssBytes what memory the process holds now */
export const createMeter = (rssBytes: () => number): Meter => {
  // In microseconds: a histogram counts whole numbers.
  const latencies = createHistogram()
  const loopDelay = createLoopDelay()
  const roundsPerSecond: number[] = []
  let seconds = 0
  let peakRss = 0
  const sampleRss = (): void => {
    peakRss = Math.max(peakRss, rssBytes())
  }

  return {
    round: async (work) => {
      // What other cases left behind is not this one's memory. Node hands out `gc` with --expose-gc.
      globalThis.gc?.()
      sampleRss()
      const sampling = setInterval(sampleRss, RSS_INTERVAL_MS)
      const stopLoopDelay = loopDelay.start()
      const startedAt = performance.now()
      const callsBefore = latencies.count
      try {
        return await work()
      } finally {
        const roundSeconds = (performance.now() - startedAt) / 1_000
        seconds += roundSeconds
        roundsPerSecond.push((latencies.count - callsBefore) / roundSeconds)
        stopLoopDelay()
        clearInterval(sampling)
        sampleRss()
      }
    },
    time: async (call) => {
      const startedAt = performance.now()
      const result = await call()
      latencies.record(Math.max(1, Math.round(1_000 * (performance.now() - startedAt))))
      return result
    },
    figures: () => {
      const calls = latencies.count
      const percentileMs = (percent: number): number | null =>
        calls === 0 ? null : latencies.percentile(percent) / 1_000
      return {
        calls,
        seconds,
        perSecond: calls / seconds,
        roundsPerSecond,
        p50Ms: percentileMs(50),
        p99Ms: percentileMs(99),
        peakRssMb: peakRss / MEGABYTE,
        loopDelayP99Ms: loopDelay.p99Ms(),
      }
    },
  }
}

/** Figures of work that is one long call: what it did in a time that was measured elsewhere. */
export const bulkFigures = (calls: number, ms: number, others: Partial<Figures> = {}): Figures => ({
  calls,
  seconds: ms / 1_000,
  perSecond: (1_000 * calls) / ms,
  roundsPerSecond: [],
  p50Ms: null,
  p99Ms: null,
  peakRssMb: null,
  loopDelayP99Ms: null,
  ...others,
})
