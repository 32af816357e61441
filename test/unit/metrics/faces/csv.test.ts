import { expect, test } from 'vitest'
import { csvText } from '../../../../src/metrics/faces/csv-text.js'
import { metricOf, reportOf } from '../../../support/metrics-report.js'

test('has a row for the window, one for that which it is compared with, and one for each bucket', () => {
  const messages = metricOf({ name: 'messages', labels: ['sender_type'] })
  const size = metricOf({ name: 'table_bytes', unit: 'bytes', window: 'all time', labels: ['table'] })
  const buckets = [new Date('2026-11-27T12:00:00Z'), new Date('2026-11-28T00:00:00Z')]
  const report = reportOf(
    [
      [messages, [{ labels: { sender_type: 'CLIENT' }, value: 5, compared: null, series: [5, null] }]],
      [size, [{ labels: { table: 'a "b",\n=c' }, value: 0.25 }]],
    ],
    { buckets, comparedMs: 7 * 86_400_000 },
  )
  expect(csvText(report)).toBe(`metric,labels,window_start,window_end,bucket_start,value,unit
messages,"{""sender_type"":""CLIENT""}",2026-11-27T12:00:00.000Z,2026-11-28T12:00:00.000Z,,5,count
messages,"{""sender_type"":""CLIENT""}",2026-11-20T12:00:00.000Z,2026-11-21T12:00:00.000Z,,,count
messages,"{""sender_type"":""CLIENT""}",2026-11-27T12:00:00.000Z,2026-11-28T12:00:00.000Z,2026-11-27T12:00:00.000Z,5,count
messages,"{""sender_type"":""CLIENT""}",2026-11-27T12:00:00.000Z,2026-11-28T12:00:00.000Z,2026-11-28T00:00:00.000Z,,count
table_bytes,"{""table"":""a \\""b\\"",\\n=c""}",,2026-11-28T12:00:00.000Z,,0.25,bytes
`)
})

test('has a bucket row only for what has a series', () => {
  const report = reportOf([[metricOf({ name: 'messages' }), [{ labels: {}, value: 1 }]]], {
    buckets: [new Date('2026-11-27T12:00:00Z')],
  })
  expect(csvText(report).trimEnd().split('\n')).toHaveLength(2)
})
