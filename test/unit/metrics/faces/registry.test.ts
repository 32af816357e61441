import { spawnSync } from 'node:child_process'
import { Counter } from 'prom-client'
import { expect, test } from 'vitest'
import { metrics } from '../../../../src/metrics/index.js'
import { openMetricsText, prometheusText, setGauges, toRegistry } from '../../../../src/metrics/faces/registry.js'
import { metricOf, reportOf } from '../../../support/metrics-report.js'

const hasPromtool = spawnSync('promtool', ['--version']).status === 0

const bySender = metricOf({ name: 'messages', labels: ['reason', 'sender_type'] })
const age = metricOf({
  name: 'oldest_unread_seconds',
  unit: 'seconds',
  window: 'all time',
  help: 'Age of "it" in C:\\.',
})
const sample = (reason: string, sender_type: string, value: number | null) => ({
  labels: { reason, sender_type },
  value,
})

const report = reportOf([
  [bySender, [sample('a "b" \\ c\nd', 'x', 1), sample('x,sender_type:y', 'z', 2), sample('x', 'y,sender_type:z', 3)]],
  [age, [{ labels: {}, value: 1.5 }]],
])

test('writes the text format of Prometheus, one sample for each combination of labels', async () => {
  expect(await prometheusText(toRegistry(report)))
    .toBe(String.raw`# HELP chatkeep_window_seconds Length of the window that metrics count in.
# TYPE chatkeep_window_seconds gauge
chatkeep_window_seconds 86400

# HELP chatkeep_messages What messages means. Counted in the window of chatkeep_window_seconds.
# TYPE chatkeep_messages gauge
chatkeep_messages{reason="a \"b\" \\ c\nd",sender_type="x"} 1
chatkeep_messages{reason="x,sender_type:y",sender_type="z"} 2
chatkeep_messages{reason="x",sender_type="y,sender_type:z"} 3

# HELP chatkeep_oldest_unread_seconds Age of "it" in C:\\.
# TYPE chatkeep_oldest_unread_seconds gauge
chatkeep_oldest_unread_seconds 1.5
`)
})

test('writes OpenMetrics: units, escaped quotes, an end, and counters by their names', async () => {
  const registry = toRegistry(reportOf([[age, [{ labels: {}, value: 1.5 }]]]))
  const received = new Counter({ name: 'chatkeep_received_total', help: 'Received.', registers: [registry] })
  received.inc(2)
  const text = await openMetricsText(registry)
  expect(text.split('\n').slice(4)).toEqual([
    String.raw`# HELP chatkeep_oldest_unread_seconds Age of \"it\" in C:\\.`,
    '# TYPE chatkeep_oldest_unread_seconds gauge',
    '# UNIT chatkeep_oldest_unread_seconds seconds',
    'chatkeep_oldest_unread_seconds 1.5',
    '# HELP chatkeep_received Received.',
    '# TYPE chatkeep_received counter',
    'chatkeep_received_total 2',
    '# EOF',
    '',
  ])
  expect(await prometheusText(registry)).toContain('# TYPE chatkeep_received_total counter')
})

test('leaves out what has no value, at once and when it loses it', async () => {
  const registry = toRegistry(reportOf([[age, [{ labels: {}, value: 7 }]]]))
  setGauges(reportOf([[age, [{ labels: {}, value: null }]]]), registry)
  expect(await prometheusText(registry)).not.toMatch(/^chatkeep_oldest/m)
  setGauges(reportOf([[age, [{ labels: {}, value: 8 }]]]), registry)
  expect(await prometheusText(registry)).toMatch(/^chatkeep_oldest_unread_seconds 8$/m)
})

test.skipIf(!hasPromtool)('promtool has nothing to say about any metric (promtool is needed)', async () => {
  const all = metrics.map((metric) => {
    const labels = Object.fromEntries((metric.labels ?? []).map((label) => [label, `a "${label}" \\`]))
    return [metric, [{ labels, value: 1 }]] as const
  })
  for (const one of [report, reportOf(all)]) {
    const input = await prometheusText(toRegistry(one))
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
    expect({ status, says: stdout + stderr }).toEqual({ status: 0, says: '' })
  }
})
