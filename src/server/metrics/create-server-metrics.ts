import { Registry } from 'prom-client'
import { countMessages } from './message-counters.js'
import { addProcessGauges } from './process-gauges.js'
import type { ServerMetrics } from './server-metrics.js'
import { addStateGauges } from './state-gauges.js'

/** The metrics of one server. They hold no names, texts, addresses or ids, and their labels have a few fixed values. */
export const createServerMetrics = (listener: ServerMetrics['listener']): ServerMetrics => {
  const registry = new Registry()
  const observer = countMessages(registry)
  const stop = addProcessGauges(registry)
  return {
    listener,
    observer,
    watch: (state) => addStateGauges(registry, state),
    read: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    close: stop,
  }
}
