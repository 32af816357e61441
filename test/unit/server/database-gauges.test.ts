import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { SILENT_LOG } from '../../../src/chat-log.js'
import { messagesWithoutClient } from '../../../src/metrics/chat/messages-without-client.js'
import type { MetricsReport } from '../../../src/metrics/report.js'
import type { Threshold } from '../../../src/metrics/thresholds/threshold.js'
import { addDatabaseGauges } from '../../../src/server/metrics/database-gauges.js'

const thresholds = [
  { metric: 'messages_without_client', labels: {}, level: 'warn', range: { start: 0, end: 2, alertsOn: 'outside' } },
] as const satisfies readonly Threshold[]

const report = (value: number): MetricsReport => ({
  ...{ since: new Date(), until: undefined, now: new Date(), windowMs: 1, buckets: [], comparedMs: undefined },
  metrics: [{ metric: messagesWithoutClient, samples: [{ labels: {}, value }] }],
  blockage: undefined,
  standby: { isStandby: false, behindS: null, isDetached: false },
})

/** Readings that end when the test says so. */
const createReadings = () => {
  const begun: { readonly end: (value: number) => void; readonly fail: () => void }[] = []
  const read = () =>
    new Promise<MetricsReport>((resolve, reject) => {
      begun.push({ end: (value) => resolve(report(value)), fail: () => reject(new Error('unavailable')) })
    })
  return { begun, read }
}

test('the database is read once at a time, and a scraper waits no longer than it is told', async () => {
  const { begun, read } = createReadings()
  const registry = new Registry()
  const gauges = addDatabaseGauges(registry, { read, intervalMs: 0, thresholds, log: SILENT_LOG }, 20)
  const scrape = async () => {
    await gauges.refresh()
    return registry.metrics()
  }
  // Before the first reading has ended, nothing is known.
  const texts = await Promise.all([scrape(), scrape(), scrape()])
  expect(begun).toHaveLength(1)
  expect(texts.join('')).not.toContain('chatkeep_')
  begun[0]?.end(3)
  const text = await scrape()
  expect(text).toContain('chatkeep_messages_without_client 3')
  expect(text).toContain('chatkeep_threshold_breaches{metric="messages_without_client",severity="warning"} 1')
  expect(await registry.metrics()).toContain('chatkeep_database_up 1')
  const next = scrape()
  begun[1]?.fail()
  const failed = await next
  expect(failed).toContain('chatkeep_database_up 0')
  expect(failed).toContain('chatkeep_messages_without_client 3')
})

test('what was read holds for the interval', async () => {
  let readings = 0
  const read = () => Promise.resolve(report((readings += 1)))
  const gauges = addDatabaseGauges(new Registry(), { read, intervalMs: 60_000, thresholds, log: SILENT_LOG }, 20)
  for (let scrape = 0; scrape < 5; scrape += 1) await gauges.refresh()
  expect(readings).toBe(1)
})
