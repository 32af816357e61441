import { InvalidArgumentError } from '@commander-js/extra-typings'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** A month or a year is no duration: how long it is depends on the date. */
const UNIT_MS: Readonly<Record<string, number>> = {
  ...{ ms: 1, millisecond: 1 },
  ...{ s: SECOND_MS, sec: SECOND_MS, second: SECOND_MS },
  ...{ m: MINUTE_MS, min: MINUTE_MS, minute: MINUTE_MS },
  ...{ h: HOUR_MS, hour: HOUR_MS },
  ...{ d: DAY_MS, day: DAY_MS },
  ...{ w: 7 * DAY_MS, week: 7 * DAY_MS },
}

const DURATION = /^(?:\d+(?:\.\d+)? ?[a-z]+(?: |$|(?=\d)))+$/
const PART = /(?<amount>\d+(?:\.\d+)?) ?(?<unit>[a-z]+)/g

/** Reads `250ms`, `30s`, `1h30m`, `12h`, `1 day` or `2w` as milliseconds. */
export const parseDuration = (text: string): number => {
  const parts = DURATION.test(text) ? [...text.matchAll(PART)] : []
  const ms = parts.map(({ groups }) => Number(groups?.amount) * msOf(groups?.unit ?? ''))
  const sum = ms.reduce((total, part) => total + part, 0)
  if (parts.length > 0 && !Number.isNaN(sum)) return Math.round(sum)
  throw new InvalidArgumentError('Write a duration such as 500ms, 30s, 15m, 1h30m, 1d or 2w.')
}

const msOf = (unit: string): number => UNIT_MS[unit] ?? UNIT_MS[unit.replace(/s$/, '')] ?? Number.NaN

/** Returns a parser of durations between two bounds, both included. @throws InvalidArgumentError outside them */
export const parseDurationBetween =
  (least: string, most: string) =>
  (text: string): number => {
    const ms = parseDuration(text)
    if (ms >= parseDuration(least) && ms <= parseDuration(most)) return ms
    throw new InvalidArgumentError(`Write a duration from ${least} to ${most}.`)
  }
