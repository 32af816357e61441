import { ExitCode, OperatorError } from '../errors.js'
import { again } from '../next-step.js'

/** A date, or how many milliseconds before another. */
export type Moment = Date | number

/** What is asked for. */
export interface WindowRequest {
  /** Start of the window: a date, or its length. */
  readonly since: Moment
  /** End of the window: a date, or how long ago it ended. It ends now when absent. */
  readonly until?: Moment | undefined
  /** Length of the buckets that the window is divided into, the first of which begins with it; `auto`: as a chart needs. */
  readonly bucketMs?: number | 'auto' | undefined
  /** How far back the window lies that it is compared with. */
  readonly compareMs?: number | undefined
}

/** Microseconds since 1970, as the server counts them: whole numbers, exact until the year 2255. */
export type Micros = number

/** A row belongs to it when it is later than `since` and not later than `until`. */
export interface Span {
  readonly since: Micros
  /** Infinity for a window that ends now: rows dated in the future belong to it. */
  readonly until: Micros
}

export interface ResolvedWindow extends Span {
  /** The end, or now. */
  readonly end: Micros
  readonly bucketMs: number | undefined
  readonly buckets: readonly Span[]
  readonly compared: Span | undefined
}

const MOST_BUCKETS = 1_000

/** What is asked for, at that time of the database. @throws OperatorError `usage` */
export const resolveWindow = (
  { since: from, until: to, bucketMs, compareMs }: WindowRequest,
  now: Micros,
): ResolvedWindow => {
  const until = to === undefined ? Infinity : resolve(to, now)
  if (until !== Infinity && until > now) throw wrong(`--until ${instant(until)} is in the future`, now)
  const end = Math.min(until, now)
  const since = resolve(from, end)
  if (since >= end) throw wrong(`--since ${instant(since)} is not before the end of the window, ${instant(end)}`, now)
  const lengthMs = bucketMs === 'auto' ? chartBucket((end - since) / 1_000) : bucketMs
  return {
    ...{ since, until, end },
    bucketMs: lengthMs,
    buckets: lengthMs === undefined ? [] : divide({ since, until }, end, toMicros(lengthMs)),
    compared:
      compareMs === undefined ? undefined : { since: since - toMicros(compareMs), until: end - toMicros(compareMs) },
  }
}

const toMicros = (ms: number): Micros => ms * 1_000

const resolve = (moment: Moment, from: Micros): Micros =>
  typeof moment === 'number' ? from - toMicros(moment) : toMicros(moment.getTime())

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000]

/** Lengths that people count in. */
const CHART_BUCKETS: readonly number[] = [
  ...[1, 5, 10, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 30, 91, 182, 365].map((days) => days * DAY),
]

const CHART_POINTS = 60

/** The shortest of these lengths with which a chart has at most so many points. */
const chartBucket = (windowMs: number): number =>
  CHART_BUCKETS.find((length) => windowMs / length <= CHART_POINTS) ?? Math.ceil(windowMs / CHART_POINTS / DAY) * DAY

const divide = ({ since, until }: Span, end: Micros, length: Micros): readonly Span[] => {
  const count = Math.ceil((end - since) / length)
  if (count > MOST_BUCKETS) {
    const [counted, most] = [count, MOST_BUCKETS].map((buckets) => buckets.toLocaleString('en-US'))
    throw new OperatorError(
      'usage',
      `--bucket divides the window into ${counted} buckets; at most ${most} are possible`,
      {
        exitCode: ExitCode.usage,
        hint: again(`--bucket ${flagOf((end - since) / MOST_BUCKETS)}`),
      },
    )
  }
  return Array.from({ length: count }, (_, index) => ({
    since: since + index * length,
    until: index === count - 1 ? until : since + (index + 1) * length,
  }))
}

/** At least so long, as a flag takes it. */
const flagOf = (micros: Micros): string => {
  const units = { d: 86_400_000_000, h: 3_600_000_000, m: 60_000_000, s: 1_000_000 }
  const [name, unit] = Object.entries(units).find(([, unit]) => micros > unit) ?? ['s', units.s]
  return `${Math.ceil(micros / unit)}${name}`
}

const wrong = (message: string, now: Micros): OperatorError =>
  new OperatorError('usage', message, {
    exitCode: ExitCode.usage,
    hint: `the clock of the database says ${instant(now)}; a date without zone is in UTC`,
  })

export const toDate = (micros: Micros): Date => new Date(Math.floor(micros / 1_000))

const instant = (micros: Micros): string => toDate(micros).toISOString()

/** As the value of a `timestamp` in UTC. */
export const toTimestamp = (micros: Micros): string => {
  if (micros === Infinity) return 'infinity'
  const date = toDate(micros)
  if (date.getUTCFullYear() < 1) return '-infinity'
  return `${date.toISOString().slice(0, -1)}${String(micros - date.getTime() * 1_000).padStart(3, '0')}`
}
