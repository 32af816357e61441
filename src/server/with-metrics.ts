import type { ChatLog } from '../chat-log.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { readMetrics } from '../metrics/read-metrics.js'
import type { ReadThresholds } from '../metrics/thresholds/read-thresholds.js'
import { listenForMetrics, METRICS_PATH, type MetricsAddress } from './http/metrics-listener.js'
import type { ServerMetrics } from './metrics/server-metrics.js'

/** `shared`: at the chat server, for this machine; an address: on a listener of its own, for all who reach it. */
export type MetricsPlace = 'shared' | MetricsAddress

export interface MetricsParts {
  /** Without metrics when absent. */
  readonly place: MetricsPlace | undefined
  readonly target: ConnectionTarget
  /** How long a reading of the database holds; 10 s when absent. */
  readonly intervalMs: number | undefined
  readonly thresholds: ReadThresholds['thresholds']
  readonly log: ChatLog
}

export interface OpenMetrics {
  readonly metrics: ServerMetrics
  /** Where they are read, given the URL of the chat server. */
  readonly urlAt: (serverUrl: string) => string
}

/** Less than scrapers usually pause, so that each scrape has fresh figures. */
const DEFAULT_INTERVAL_MS = 10_000

const READING = { since: 86_400_000, statementTimeoutMs: 5_000, onWait: () => undefined }

/** The thresholds of a configuration file, by default that of the working directory. @throws OperatorError of the file */
export const readConfig = async (
  place: MetricsPlace | undefined,
  config: string | undefined,
  cwd: string,
): Promise<ReadThresholds> => {
  if (place === undefined) return { thresholds: [], notes: [] }
  const { readThresholds } = await import('../metrics/thresholds/read-thresholds.js')
  return readThresholds({ config }, cwd)
}

/** Runs the work with metrics, if they are wanted. @throws OperatorError of the address */
export const withMetrics = async (
  { place, target, intervalMs = DEFAULT_INTERVAL_MS, thresholds, log }: MetricsParts,
  work: (open: OpenMetrics | undefined) => Promise<void>,
): Promise<void> => {
  if (place === undefined) return work(undefined)
  // Loads prom-client, which a server without metrics does not need.
  const { createServerMetrics } = await import('./metrics/create-server-metrics.js')
  const metrics = createServerMetrics(place === 'shared' ? 'shared' : 'own', {
    read: (signal) => readMetrics(target, { ...READING, signal }),
    ...{ intervalMs, thresholds, log },
  })
  const listener = place === 'shared' ? undefined : await listenForMetrics(metrics, place)
  try {
    await work({ metrics, urlAt: (serverUrl) => listener?.url ?? new URL(METRICS_PATH, serverUrl).href })
  } finally {
    listener?.close()
    metrics.close()
  }
}
