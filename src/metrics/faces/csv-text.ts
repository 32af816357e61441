import { stringify } from 'csv-stringify/sync'
import type { MetricsReport, Sample } from '../report.js'

/** Columns of the CSV, in their order. */
export const CSV_COLUMNS = ['metric', 'labels', 'window_start', 'window_end', 'bucket_start', 'value', 'unit'] as const

/**
 * A row for the value of each window, and one for each bucket. Quoted as in RFC 4180; lines end with a line feed alone, as in
 * `psql --csv`, so that other tools need not take away a carriage return.
 */
export const csvText = (report: MetricsReport): string =>
  stringify([...csvRows(report)], { header: true, columns: [...CSV_COLUMNS] })

type CsvRow = Readonly<Record<(typeof CSV_COLUMNS)[number], string>>

const csvRows = (report: MetricsReport): readonly CsvRow[] =>
  report.metrics.flatMap(({ metric, samples }) =>
    samples.flatMap((sample) =>
      valuesOf(metric.window, sample, report).map(({ value, start, end, bucket }) => ({
        metric: metric.name,
        labels: Object.keys(sample.labels).length === 0 ? '' : JSON.stringify(sample.labels),
        window_start: instant(start),
        window_end: instant(end),
        bucket_start: instant(bucket),
        value: value === null ? '' : String(value),
        unit: metric.unit,
      })),
    ),
  )

interface CsvValue {
  readonly value: number | null
  readonly start?: Date
  readonly end?: Date
  readonly bucket?: Date | undefined
}

const valuesOf = (
  window: 'since' | 'all time',
  { value, compared, series = [] }: Sample,
  { since, until, now, comparedMs = 0, buckets }: MetricsReport,
): readonly CsvValue[] => {
  const end = until ?? now
  if (window === 'all time') return [{ value, end: now }]
  return [
    { value, start: since, end },
    ...(compared === undefined
      ? []
      : [{ value: compared, start: before(since, comparedMs), end: before(end, comparedMs) }]),
    ...series.map((bucketValue, index) => ({ value: bucketValue, start: since, end, bucket: buckets[index] })),
  ]
}

const before = (instant: Date, ms: number): Date => new Date(instant.getTime() - ms)

const instant = (at: Date | undefined): string => at?.toISOString() ?? ''
