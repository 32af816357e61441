import { expect, test } from 'vitest'
import { resolveWindow, toTimestamp, type WindowRequest } from '../../../src/metrics/window.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW = Date.UTC(2026, 10, 28, 12) * 1_000 + 345_678

const resolved = (request: WindowRequest) => {
  const { since, until, buckets, compared } = resolveWindow(request, NOW)
  const shown = (span: { readonly since: number; readonly until: number }): string =>
    [span.since, span.until].map(toTimestamp).join(' .. ')
  return [{ since, until }, ...(compared === undefined ? [] : [compared]), ...buckets].map(shown)
}

test('a window that ends now has no upper bound, and begins at a microsecond', () => {
  expect(resolved({ since: DAY_MS })).toEqual(['2026-11-27T12:00:00.345678 .. infinity'])
})

test('a duration counts back: the end from now, the start from the end', () => {
  expect(resolved({ since: 2 * HOUR_MS, until: HOUR_MS })).toEqual([
    '2026-11-28T09:00:00.345678 .. 2026-11-28T11:00:00.345678',
  ])
  expect(resolved({ since: DAY_MS, until: new Date('2026-11-01') })).toEqual([
    '2026-10-31T00:00:00.000000 .. 2026-11-01T00:00:00.000000',
  ])
})

test('the window to compare with has an end', () => {
  expect(resolved({ since: new Date('2026-11-28T11:00Z'), compareMs: 7 * DAY_MS })).toEqual([
    '2026-11-28T11:00:00.000000 .. infinity',
    '2026-11-21T11:00:00.000000 .. 2026-11-21T12:00:00.345678',
  ])
})

test('buckets begin with the window; the last one ends with it', () => {
  expect(resolved({ since: new Date('2026-11-28T10:30Z'), bucketMs: HOUR_MS }).slice(1)).toEqual([
    '2026-11-28T10:30:00.000000 .. 2026-11-28T11:30:00.000000',
    '2026-11-28T11:30:00.000000 .. infinity',
  ])
  expect(resolved({ since: new Date('2024-02-28'), until: new Date('2024-03-01'), bucketMs: DAY_MS }).slice(1)).toEqual(
    [
      '2024-02-28T00:00:00.000000 .. 2024-02-29T00:00:00.000000',
      '2024-02-29T00:00:00.000000 .. 2024-03-01T00:00:00.000000',
    ],
  )
  expect(resolved({ since: HOUR_MS, bucketMs: DAY_MS })).toHaveLength(2)
  expect(resolved({ since: 1_000 * HOUR_MS, bucketMs: HOUR_MS })).toHaveLength(1_001)
})

test('before the first year is before everything', () => {
  expect(toTimestamp(Date.UTC(-100, 0) * 1_000)).toBe('-infinity')
})

test.for([
  [{ since: new Date('2027-01-01') }, '--since 2027-01-01T00:00:00.000Z is not before the end of the window'],
  [{ since: DAY_MS, until: new Date('2027-01-01') }, '--until 2027-01-01T00:00:00.000Z is in the future'],
  [
    { since: new Date('2026-11-02'), until: new Date('2026-11-01') },
    'is not before the end of the window, 2026-11-01T',
  ],
  [{ since: new Date('2026-11-01'), until: new Date('2026-11-01') }, 'is not before the end of the window'],
  [{ since: DAY_MS, bucketMs: 1_000 }, '--bucket divides the window into 86,400 buckets; at most 1,000 are possible'],
] as const)('refuses %j', ([request, message]) => {
  expect(() => resolveWindow(request, NOW)).toThrow(expect.objectContaining({ code: 'usage', exitCode: 2 }))
  expect(() => resolveWindow(request, NOW)).toThrow(message)
})

test.for([
  [DAY_MS, 1_000, '--bucket 2m'],
  [40 * DAY_MS, 1_000, '--bucket 58m'],
  [400 * DAY_MS, HOUR_MS, '--bucket 10h'],
  [4_000 * DAY_MS, HOUR_MS, '--bucket 4d'],
] as const)('proposes a bucket for %i ms', ([since, bucketMs, flags]) => {
  expect(() => resolveWindow({ since, bucketMs }, NOW)).toThrow(
    expect.objectContaining({ next: [expect.objectContaining({ text: flags })] }),
  )
})

test.for([
  [DAY_MS, HOUR_MS / 2],
  [HOUR_MS, 60_000],
  [30 * DAY_MS, 12 * HOUR_MS],
  [5_000, 1_000],
  [100 * 365 * DAY_MS, 609 * DAY_MS],
] as const)('a chart of %i ms has buckets of %i ms', ([windowMs, bucketMs]) => {
  const { buckets, bucketMs: length } = resolveWindow({ since: windowMs, bucketMs: 'auto' }, NOW)
  expect(length).toBe(bucketMs)
  expect(buckets.length).toBeLessThanOrEqual(60)
})
