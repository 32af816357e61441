import { expect, test } from 'vitest'
import type { MetricsReport } from '../../../../src/metrics/report.js'
import { renderTable } from '../../../../src/metrics/faces/table/render-table.js'
import { highestOf, sparkline } from '../../../../src/metrics/sparkline.js'
import { createRender } from '../../../../src/terminal/render.js'
import { metricOf, reportOf } from '../../../support/metrics-report.js'

const buckets = Array.from({ length: 24 }, (_, hour) => new Date(Date.UTC(2026, 10, 27, 12 + hour)))
const course = buckets.map((_, hour) => (hour === 3 ? null : hour * hour))

const messages = metricOf({ name: 'messages', labels: ['sender_type'] })
const answer = metricOf({ name: 'first_answer_seconds', title: 'first answer', unit: 'seconds', labels: ['quantile'] })
const size = metricOf({ name: 'index_bytes', title: 'index size', unit: 'bytes', window: 'all time' })
const lag = metricOf({ name: 'replication_lag_seconds', title: 'replication lag', unit: 'seconds', window: 'all time' })

const indexes = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    labels: { table: 'ChatMessage', index: `index_${index}` },
    value: index * 100_000,
  }))

const screen = (report: MetricsReport, width: number, unicode = true): readonly string[] =>
  renderTable({ report, target: 'crm on db1 as ops', naming: undefined }, createRender(false, width, unicode))
    .split('\n')
    .slice(3)

const compared = reportOf(
  [
    [
      messages,
      [
        { labels: { sender_type: 'CLIENT' }, value: 4_324, compared: 4_000, series: course },
        { labels: { sender_type: 'OPERATOR' }, value: 0, compared: 0, series: course.map(() => 0) },
      ],
    ],
    [answer, [{ labels: { quantile: '0.95' }, value: 312, compared: null, series: course.map(() => null) }]],
    [lag, [{ labels: { standby: 'a\u001b[2Jb' }, value: null }]],
  ],
  { buckets, comparedMs: 7 * 86_400_000 },
)

test('shows the course and the comparison of what was counted in the window', () => {
  expect(screen(compared, 80)).toEqual([
    ' in the window              |      value | 7 d before | change | by 1 h',
    '----------------------------+------------+------------+--------+--------------',
    ' messages CLIENT            |      4,324 |      4,000 | +8.1 % | ▁▁▁▁▂▂▃▄▅▆▇█',
    ' messages OPERATOR          |          0 |          0 |      = | ▁▁▁▁▁▁▁▁▁▁▁▁',
    ' first answer quantile 0.95 | 5 min 12 s |          – |        | ············',
    '',
    ' now                         | value',
    '-----------------------------+-------',
    String.raw` replication lag a\u001b[2Jb |     –`,
  ])
})

test('leaves out the earlier value first where there is no room, and becomes records on a narrow terminal', () => {
  expect(screen(compared, 70)[0]).toBe(' in the window              |      value | change | by 1 h')
  expect(screen(compared, 40, false).slice(0, 5)).toEqual([
    'messages CLIENT',
    '  value       4,324',
    '  7 d before  4,000',
    '  change      +8.1 %',
    '  by 1 h      ___ _____...,,,::--=++##',
  ])
})

test('puts values together where each of its own line would not fit on a screen', () => {
  const zero = metricOf({ name: 'conflicts' })
  const report = reportOf([
    [messages, [{ labels: { sender_type: 'CLIENT' }, value: 3 }]],
    [zero, [{ labels: {}, value: 0 }]],
    [size, indexes(14)],
    [lag, [{ labels: {}, value: null }]],
  ])
  expect(screen(report, 80)).toEqual([
    ' in the window   | value',
    '-----------------+-------',
    ' messages CLIENT |     3',
    '',
    'index size  index_13 1.3 MB, index_12 1.2 MB, index_11 1.1 MB, 11 more 5.5 MB',
    '',
    'zero     conflicts',
    'no value replication lag',
  ])
})

test.for([
  ['scales from 0 to the highest value', [0, 1, 50, 100], 10, '▁▁▄█'],
  ['leaves a gap where there is no value', [1, null, 1], 10, '█·█'],
  ['is flat where nothing happened', [0, 0], 10, '▁▁'],
  ['takes negative values for nothing', [-5, 5], 10, '▁█'],
  ['keeps a peak where several values share a column', [0, 0, 9, 0, 0, 0], 3, '▁█▁'],
] as const)('a sparkline %s', ([, series, columns, line]) => {
  expect(sparkline(series, columns, true)).toBe(line)
})

test('fewer values than columns stay as they are', () => {
  expect(highestOf([1, null, 3], 3)).toEqual([1, null, 3])
  expect(highestOf([1, null, 3], 2)).toEqual([1, 3])
})
