import { Registry } from 'prom-client'
import { addDatabaseGauges, type DatabaseReading } from './database-gauges.js'
import { countMessages } from './message-counters.js'
import { addProcessGauges } from './process-gauges.js'
import { addReadiness, type Readiness } from './readiness-gauge.js'
import type { ServerMetrics } from './server-metrics.js'
import { addStateGauges } from './state-gauges.js'

/** How long a scraper waits for the database, which may be frozen. It gives up itself after 10 s or less. */
const DATABASE_WAIT_MS = 700

/**
 * The metrics of one server. They hold no names, texts, addresses or ids, and their labels have a few fixed values.
 * @param database absent for a server that shows only what it counts itself
 */
export const createServerMetrics = (listener: ServerMetrics['listener'], database?: DatabaseReading): ServerMetrics => {
  const registry = new Registry()
  const { observer, readNative } = countMessages(registry)
  const stopProcess = addProcessGauges(registry)
  const gauges = database && addDatabaseGauges(registry, database, DATABASE_WAIT_MS)
  let readiness: Readiness | undefined
  return {
    listener,
    observer,
    watch: (state) => {
      readiness = addReadiness(registry, state.isReady, DATABASE_WAIT_MS)
      addStateGauges(registry, state)
    },
    read: async (accept = '') => {
      await Promise.all([gauges?.refresh(), readiness?.refresh()])
      if (!takesProtobuf(accept)) return { contentType: registry.contentType, body: await registry.metrics() }
      const { PROTOBUF_TYPE, toProtobuf } = await import('./protobuf.js')
      return { contentType: PROTOBUF_TYPE, body: toProtobuf(await registry.getMetricsAsJSON(), readNative()) }
    },
    close: () => {
      gauges?.close()
      stopProcess()
    },
  }
}

/** Prometheus asks for it when its feature native-histograms is on. */
const takesProtobuf = (accept: string): boolean =>
  accept.includes('application/vnd.google.protobuf') && accept.includes('proto=io.prometheus.client.MetricFamily')
