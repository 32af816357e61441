import { expect, test } from 'vitest'
import { renderTable } from '../../../../src/metrics/faces/table/render-table.js'
import { timeAxis } from '../../../../src/metrics/faces/chart/time-axis.js'
import { createRender } from '../../../../src/terminal/render.js'
import { metricOf, reportOf } from '../../../support/metrics-report.js'

const HOUR = 3_600_000
const start = Date.parse('2026-11-27T12:00:00Z')
const bucketsOf = (count: number, ms: number) =>
  Array.from({ length: count }, (_, index) => new Date(start + index * ms))

const answers = metricOf({ name: 'first_answer_seconds', title: 'first answer', unit: 'seconds', labels: ['quantile'] })

const chart = (series: readonly (number | null)[], width: number, unicode = true): readonly string[] => {
  const report = reportOf([[answers, [{ labels: { quantile: '0.5' }, value: 60, series }]]], {
    buckets: bucketsOf(series.length, HOUR),
    windowMs: series.length * HOUR,
  })
  const text = renderTable({ report, target: 'crm', naming: undefined }, createRender(false, width, unicode))
  return text.split('\n\n')[2]?.split('\n') ?? []
}

test('draws the only metric of a report, with a base line that is broken where there is no value', () => {
  expect(chart([10, 20, null, 0, 40], 40)).toEqual([
    'first answer quantile 0.5, by 1 h, UTC',
    '40.0 s ┤                        ██████',
    '       │                        ██████',
    '       │                        ██████',
    '       │                        ██████',
    '       │                        ██████',
    '20.0 s ┤      ██████            ██████',
    '       │      ██████            ██████',
    '       │▄▄▄▄▄▄██████            ██████',
    '       │████████████            ██████',
    '       │████████████            ██████',
    '  0 ms └────────────      ────────────',
    '        12:00       14:00       16:00',
  ])
})

test('has no sign beyond ASCII where the locale has none', () => {
  expect(chart([1, 5, null, 8], 40, false).join('\n')).toMatch(/^[ -~\n]+$/)
})

test('keeps the peak where there are more buckets than columns, and says so', () => {
  const lines = chart(
    Array.from({ length: 300 }, (_, index) => (index === 7 ? 90 : 1)),
    80,
  )
  expect(lines[0]).toBe('first answer quantile 0.5, the highest of each 5 buckets of 1 h, UTC')
  expect(lines[1]).toBe('1 min 30 s ┤ █')
  expect(lines.at(-1)?.trim()).toMatch(/^11-27 12:00 +11-30 05:00 /)
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80)
})

test('draws nothing where nothing happened', () => {
  expect(chart([0, 0], 40)[1]).toBe(' 1.0 s ┤')
})

test.for([
  [3, 150_000, 30, '12:00:00  12:02:30  12:05:00'],
  [24, HOUR, 80, '12:00    15:00    18:00    21:00    00:00    03:00    06:00    09:00'],
  [7, 24 * HOUR, 60, '11-27 12:00     11-29 12:00     12-01 12:00     12-03 12:00'],
  [30, 24 * HOUR, 60, '2026-11-27  2026-12-03  2026-12-09  2026-12-15  2026-12-21'],
] as const)('labels %d buckets of %d ms by their times in %d columns', ([count, ms, columns, line]) => {
  expect(timeAxis(bucketsOf(count, ms), { columns, windowMs: count * ms, indent: 0 })).toEqual([line])
})
