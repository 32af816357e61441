import { expect, test } from 'vitest'
import { parseByteSize, parseByteSizeBetween } from '../../../src/cli/byte-size.js'
import { parseDuration } from '../../../src/cli/duration.js'
import { monthsAgo, parseAge, parseMoment } from '../../../src/cli/moment.js'

const HOUR_MS = 3_600_000

test.for([
  ['250ms', 250],
  ['1.5s', 1_500],
  ['1h30m', 1.5 * HOUR_MS],
  ['1h 30min', 1.5 * HOUR_MS],
  ['1 hour 30 minutes', 1.5 * HOUR_MS],
  ['1 day', 24 * HOUR_MS],
  ['2 weeks', 336 * HOUR_MS],
  ['0s', 0],
] as const)('the duration %s is %i ms', ([text, ms]) => {
  expect(parseDuration(text)).toBe(ms)
  if (ms > 0) expect(parseMoment(text)).toBe(ms)
})

test.for(['', '1', 'h', '-1d', '1 month', '1y', '1h30', '1d,2h', '1  day', 'toString', '1toString', '1 D', '١d'])(
  'is no duration: %j',
  (text) => {
    expect(() => parseDuration(text)).toThrow('Write a duration such as')
  },
)

test.for([
  ['2026-11-01', '2026-11-01T00:00:00.000Z'],
  ['2026-11-01T02:00', '2026-11-01T02:00:00.000Z'],
  ['2026-11-01 02:00Z', '2026-11-01T02:00:00.000Z'],
  ['2026-11-01T02:00:30.5Z', '2026-11-01T02:00:30.500Z'],
  ['2026-11-01T02:00+09:00', '2026-10-31T17:00:00.000Z'],
  ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  ['0001-01-01', '0001-01-01T00:00:00.000Z'],
  // Clocks go forward in Europe and America.
  ['2026-03-29T02:30', '2026-03-29T02:30:00.000Z'],
  ['2026-03-08T02:30', '2026-03-08T02:30:00.000Z'],
] as const)('%s is the moment %s', ([text, iso]) => {
  expect(parseMoment(text)).toEqual(new Date(iso))
})

test.for([
  ['2026-02-29', 'There is no such date'],
  ['2026-02-30T10:00Z', 'There is no such date'],
  ['2026-13-01', 'There is no such date'],
  ['2026-11-01T24:00', 'There is no such date'],
  ['2026-11-01T10:60', 'There is no such date'],
  ['0000-01-01', 'There is no such date'],
  ['2026-11', 'Write a date such as'],
  ['2026-11-01T', 'Write a date such as'],
  ['2026-11-01T02', 'Write a date such as'],
  ['2026-11-01T02:00 Europe/Berlin', 'Write a date such as'],
  ['01.11.2026', 'Write a duration such as'],
  ['0d', 'Write a duration from 1ms to 36500d'],
  ['36501d', 'Write a duration from 1ms to 36500d'],
] as const)('is no moment: %s', ([text, message]) => {
  expect(() => parseMoment(text)).toThrow(message)
})

test.for([
  ['10000y', 'Write an age such as 90d, 18months or 2y, or a date such as 2024-01-01.'],
  ['2x', 'Write an age such as'],
  ['5', 'Write an age such as'],
  ['', 'Write an age such as'],
  ['2026-02-30', 'There is no such date'],
  ['9999-01-01', 'It is still to come'],
] as const)('is no age: %j', ([text, message]) => {
  expect(() => parseAge(text)).toThrow(message)
})

test.for([
  ['500GB', 500_000_000_000],
  ['2 TiB', 2_199_023_255_552],
  ['64kB', 64_000],
] as const)('the size %s is %i bytes', ([text, bytes]) => {
  expect(parseByteSize(text)).toBe(bytes)
})

test.for(['500', '1Gb', '0GB', 'KB', '1 EB'])('is no size: %s', (text) => {
  expect(() => parseByteSize(text)).toThrow('Write a size such as')
})

test.for([
  [1, '2026-03-31T10:00:00.000Z', '2026-02-28T10:00:00.000Z'],
  [12, '2024-02-29T00:00:00.000Z', '2023-02-28T00:00:00.000Z'],
  [3, '2026-01-15T23:59:00.000Z', '2025-10-15T23:59:00.000Z'],
] as const)('%i months before %s is %s', ([months, from, before]) => {
  expect(monthsAgo(months, new Date(from)).toISOString()).toBe(before)
})

test('an age of months or years is one of the calendar, any other a duration or a date', () => {
  const since = parseAge('2y').getTime()
  const years = (Date.now() - since) / (24 * HOUR_MS)
  expect(years).toBeGreaterThanOrEqual(730)
  expect(years).toBeLessThan(732)
  expect(parseAge('18 months').getTime()).toBeGreaterThan(since)
  expect(parseAge('2026-01-01').toISOString()).toBe('2026-01-01T00:00:00.000Z')
  expect(() => parseAge('2m5')).toThrow('Write')
})

test.each(['abc', '0MiB', '33MiB', '1'])('a size between bounds that is %j is refused with the bounds', (text) => {
  expect(() => parseByteSizeBetween(1_024, 32 * 1_048_576)(text)).toThrow('Write a size from 1KiB to 32MiB.')
})
