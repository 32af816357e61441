import { InvalidArgumentError } from '@commander-js/extra-typings'
import { parseDurationBetween } from './duration.js'

const DATE =
  /^(?<day>\d{4}-\d\d-\d\d)(?:[T ](?<time>\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?) ?(?<zone>[Zz]|[+-]\d\d:\d\d)?)?$/
const parseLength = parseDurationBetween('1ms', '36500d')

/**
 * Reads a date such as `2026-11-01` or `2026-11-01T02:00+09:00`, or a duration, as milliseconds. A date without zone is in UTC, as
 * are the times in the tables, and a date without time is its first moment.
 */
export const parseMoment = (text: string): Date | number => {
  if (!/^\d{4}-/.test(text)) return parseLength(text)
  const { day, time = '00:00', zone = 'Z' } = DATE.exec(text)?.groups ?? {}
  if (day === undefined)
    throw new InvalidArgumentError(
      'Write a date such as 2026-11-01 or 2026-11-01T02:00Z, or a duration such as 12h or 1d.',
    )
  const date = new Date(`${day}T${time}${zone.toUpperCase()}`)
  if (isDay(day) && !Number.isNaN(date.getTime()) && !time.startsWith('24')) return date
  throw new InvalidArgumentError('There is no such date or time.')
}

// JavaScript takes the 30th of February for the 2nd of March.
const isDay = (day: string): boolean => {
  const date = new Date(day)
  return !day.startsWith('0000') && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)
}

const CALENDAR_AGE = /^(?<amount>\d{1,4}) ?(?<unit>y|years?|mon|months?)$/

/** Reads an age such as `90d`, `18months` or `2y`, or a date, as the instant that it means. Months and years are those of the calendar, in UTC. */
export const parseAge = (text: string): Date => {
  const instant = instantOf(text)
  if (instant.getTime() <= Date.now()) return instant
  throw new InvalidArgumentError('It is still to come: write an age, or a date in the past.')
}

const instantOf = (text: string): Date => {
  const { amount, unit } = CALENDAR_AGE.exec(text)?.groups ?? {}
  if (amount === undefined || unit === undefined) {
    const moment = /^\d{4}-/.test(text) ? parseMoment(text) : lengthOf(text)
    return typeof moment === 'number' ? new Date(Date.now() - moment) : moment
  }
  return monthsAgo(Number(amount) * (unit.startsWith('y') ? 12 : 1), new Date())
}

const lengthOf = (text: string): number => {
  try {
    return parseLength(text)
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause
    throw new InvalidArgumentError('Write an age such as 90d, 18months or 2y, or a date such as 2024-01-01.')
  }
}

/** The same day and time of an earlier month, or its last day: there is no 31st of February. */
export const monthsAgo = (months: number, from: Date): Date => {
  const date = new Date(from)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() - months)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, lastDay))
  return date
}
