import { listenForMetrics, METRICS_PATH, type MetricsAddress } from './http/metrics-listener.js'
import type { ServerMetrics } from './metrics/server-metrics.js'

/** `shared`: at the chat server, for this machine; an address: on a listener of its own, for all who reach it. */
export type MetricsPlace = 'shared' | MetricsAddress

export interface OpenMetrics {
  readonly metrics: ServerMetrics
  /** Where they are read, given the URL of the chat server. */
  readonly urlAt: (serverUrl: string) => string
}

/** Runs the work with metrics, if they are wanted. @throws OperatorError of the address */
export const withMetrics = async (
  place: MetricsPlace | undefined,
  work: (open: OpenMetrics | undefined) => Promise<void>,
): Promise<void> => {
  if (place === undefined) return work(undefined)
  // Loads prom-client, which a server without metrics does not need.
  const { createServerMetrics } = await import('./metrics/create-server-metrics.js')
  const metrics = createServerMetrics(place === 'shared' ? 'shared' : 'own')
  const listener = place === 'shared' ? undefined : await listenForMetrics(metrics, place)
  try {
    await work({ metrics, urlAt: (serverUrl) => listener?.url ?? new URL(METRICS_PATH, serverUrl).href })
  } finally {
    listener?.close()
    metrics.close()
  }
}
