import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { collectDefaultMetrics, Counter, type Registry } from 'prom-client'
import { addGauge } from './gauge.js'

const RESOLUTION_MS = 10

/** As long as scrapers usually wait, so that each of them sees every period, however many there are. */
const PERIOD_MS = 15_000

/**
 * Of prom-client's metrics of a process: they start anew at each scrape of any scraper, count every socket one by one, or
 * count one garbage collection where several are reported together.
 */
const LEFT_OUT = /^nodejs_(eventloop_lag|active_|gc_)/

/** Adds what the process and its event loop do. @returns what ends it */
export const addProcessGauges = (registry: Registry): (() => void) => {
  collectDefaultMetrics({ register: registry })
  for (const { name } of registry.getMetricsAsArray()) if (LEFT_OUT.test(name)) registry.removeSingleMetric(name)
  new Counter({
    name: 'chatkeep_server_event_loop_active_seconds_total',
    help: 'Time in which the event loop was busy. A rate close to 1 means that the process has no time left.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(performance.eventLoopUtilization().active / 1_000)
    },
  })
  return addLoopDelay(registry)
}

const addLoopDelay = (registry: Registry): (() => void) => {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const read = () => ({ p99: delayOf(monitor.percentile(99)), max: delayOf(monitor.max) })
  let last: ReturnType<typeof read> | undefined
  const timer = setInterval(() => {
    last = read()
    monitor.reset()
  }, PERIOD_MS).unref()
  monitor.enable()
  const period = `in the last full period of ${PERIOD_MS / 1_000} s.`
  addGauge(
    registry,
    {
      name: 'chatkeep_server_event_loop_delay_p99_seconds',
      help: `99th percentile of the event loop's delay ${period}`,
    },
    () => (last ?? read()).p99,
  )
  addGauge(
    registry,
    { name: 'chatkeep_server_event_loop_delay_max_seconds', help: `Longest delay of the event loop ${period}` },
    () => (last ?? read()).max,
  )
  return () => {
    clearInterval(timer)
    monitor.disable()
  }
}

// The monitor counts from timer to timer, so its interval is in every sample.
const delayOf = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1_000)
