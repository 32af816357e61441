import type { Registry } from 'prom-client'
import type { ChatLog } from '../../chat-log.js'
import { within } from '../../concurrency/within.js'
import { setBreaches, setGauges } from '../../metrics/faces/registry.js'
import type { MetricsReport } from '../../metrics/report.js'
import { judge } from '../../metrics/thresholds/judge.js'
import type { Threshold } from '../../metrics/thresholds/threshold.js'
import { errorFields } from '../error-fields.js'
import { addGauge } from './gauge.js'

/** How the metrics of the database are read. */
export interface DatabaseReading {
  /** Reads them over a connection of its own. */
  readonly read: (signal: AbortSignal) => Promise<MetricsReport>
  /** What was read holds for this long, however often it is asked for. */
  readonly intervalMs: number
  /** When a value is worth an alert. */
  readonly thresholds: readonly Threshold[]
  readonly log: ChatLog
}

export interface DatabaseGauges {
  /** Reads again if it is time, and waits for that, but not for long: a scraper then gets what was read before. */
  refresh(): Promise<void>
  close(): void
}

/** What is read of the database. It is read when somebody asks, and never twice at a time. */
export const addDatabaseGauges = (
  registry: Registry,
  { read, intervalMs, thresholds, log }: DatabaseReading,
  waitMs: number,
): DatabaseGauges => {
  const stopping = new AbortController()
  let reading: Promise<void> | undefined
  let startedAt = -Infinity
  let last: { readonly at: number; readonly durationMs: number } | undefined
  let failure: string | undefined

  const addOwn = (): void => {
    if (registry.getSingleMetric(UP.name) !== undefined) return
    addGauge(registry, UP, () => Number(failure === undefined))
    addGauge(registry, AGE, () => (last === undefined ? NaN : (performance.now() - last.at) / 1_000))
    addGauge(registry, DURATION, () => (last === undefined ? NaN : last.durationMs / 1_000))
  }

  const readOnce = async (): Promise<void> => {
    try {
      const report = await read(stopping.signal)
      setGauges(report, registry)
      setBreaches(registry, thresholds, judge(report, thresholds))
      last = { at: performance.now(), durationMs: performance.now() - startedAt }
      if (failure !== undefined) log.info({ event: 'metrics_read' }, 'the metrics of the database are read again')
      failure = undefined
    } catch (error) {
      if (!stopping.signal.aborted) noteFailure(error)
    } finally {
      // Before the first reading has ended, nobody knows whether the database is up.
      addOwn()
      reading = undefined
    }
  }

  // Each reason once, rather than at every scrape.
  const noteFailure = (error: unknown): void => {
    const fields = errorFields(error)
    const reason = JSON.stringify(fields)
    if (reason !== failure)
      log.warn({ event: 'metrics_not_read', ...fields }, 'the metrics of the database are not read')
    failure = reason
  }

  return {
    refresh: async () => {
      if (reading === undefined && performance.now() - startedAt >= intervalMs) {
        startedAt = performance.now()
        reading = readOnce()
      }
      if (reading !== undefined) await within(waitMs, reading)
    },
    close: () => stopping.abort(),
  }
}

const UP = {
  name: 'chatkeep_database_up',
  help: 'Whether the last attempt to read the metrics of the database succeeded (1) or not (0).',
}
const AGE = {
  name: 'chatkeep_database_metrics_age_seconds',
  help: 'Age of the metrics of the database: those of every other name than chatkeep_server_… It grows while the database cannot be read.',
}
const DURATION = {
  name: 'chatkeep_database_metrics_duration_seconds',
  help: 'How long it took to read them.',
}
