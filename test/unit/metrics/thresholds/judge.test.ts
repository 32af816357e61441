import { describe, expect, test } from 'vitest'
import type { Metric } from '../../../../src/metrics/metric.js'
import type { MetricsReport } from '../../../../src/metrics/report.js'
import { describeBreach } from '../../../../src/metrics/thresholds/render-verdict.js'
import { judge } from '../../../../src/metrics/thresholds/judge.js'
import { checkLine } from '../../../../src/metrics/thresholds/check-line.js'
import { parseThreshold, type Level, type Threshold } from '../../../../src/metrics/thresholds/threshold.js'
import { monitoringError } from '../../../../src/terminal/monitoring-line.js'
import { metricOf, reportOf } from './made-metrics.js'

const used = metricOf('connections_used_ratio', 'ratio')
const unlinked = metricOf('messages_without_client')
const lag = metricOf('replication_lag_seconds', 'seconds', ['standby'])
const size = metricOf('table_bytes', 'bytes', ['table', 'kind'])
const known: readonly Metric[] = [used, unlinked, lag, size]

const threshold = (level: Level, text: string): Threshold => {
  const parsed = parseThreshold(text, level, known)
  if ('mistake' in parsed) throw new Error(parsed.mistake)
  return parsed.value
}

const linesOf = (report: MetricsReport, thresholds: readonly Threshold[]): readonly string[] => {
  const { state, breaches } = judge(report, thresholds)
  return [...breaches.map((breach) => `${breach.state}: ${describeBreach(breach)}`), state]
}

const locked = (report: MetricsReport): MetricsReport => ({ ...report, blockage: { what: '"Client"', blockers: [] } })

describe('a report', () => {
  test('is judged by every threshold, the worst breach first', () => {
    const report = reportOf([unlinked, 7], [used, 0.96], [lag, { labels: { standby: 'b' }, value: 3 }])
    const thresholds = [threshold('warn', 'messages_without_client=0'), threshold('crit', 'connections_used_ratio=95%')]
    expect(linesOf(report, thresholds)).toEqual([
      'critical: connections used ratio 96%, above 95%',
      'warning: messages without client 7, above 0',
      'critical',
    ])
    expect(linesOf(report, [])).toEqual(['ok'])
  })

  test('is judged by the last threshold for a value, and by none that is off', () => {
    const report = reportOf([unlinked, 7])
    const strict = threshold('warn', 'messages_without_client=0')
    expect(linesOf(report, [strict, threshold('warn', 'messages_without_client=10')])).toEqual(['ok'])
    expect(linesOf(report, [strict, threshold('warn', 'messages_without_client=off')])).toEqual(['ok'])
    expect(linesOf(report, [strict, threshold('crit', 'messages_without_client=off')]).at(-1)).toBe('warning')
  })

  test('is judged label by label', () => {
    const report = reportOf([lag, { labels: { standby: 'a' }, value: 400 }, { labels: { standby: 'b' }, value: 400 }])
    const thresholds = [
      threshold('crit', 'replication_lag_seconds=5m'),
      threshold('crit', 'replication_lag_seconds{standby=b}=10m'),
    ]
    expect(linesOf(report, thresholds)).toEqual([
      'critical: replication lag seconds standby=a 6m40s, above 5m',
      'critical',
    ])
  })

  test('is unknown where a value with a threshold could not be read; one that does not apply is none', () => {
    const report = reportOf([lag, null], [unlinked, null], [used, 0.5])
    const thresholds = [
      threshold('warn', 'replication_lag_seconds{standby=a}=1m'),
      threshold('warn', 'connections_used_ratio=80%'),
    ]
    expect(linesOf(report, thresholds)).toEqual(['ok'])
    expect(linesOf(locked(report), thresholds)).toEqual(['unknown: replication lag seconds unknown', 'unknown'])
    expect(linesOf(locked(report), [...thresholds, threshold('warn', 'connections_used_ratio=10%')]).at(-1)).toBe(
      'warning',
    )
  })

  test.for([
    ['10:', 3, 'messages without client 3, below 10'],
    ['@10:20', 15, 'messages without client 15, within 10 to 20'],
    ['10', -1, 'messages without client -1, below 0'],
  ] as const)('says on which side of %s the value %d is', ([range, value, text]) => {
    const { breaches } = judge(reportOf([unlinked, value]), [threshold('warn', `messages_without_client=${range}`)])
    expect(breaches.map(describeBreach)).toEqual([text])
  })
})

describe('the line for a monitoring system', () => {
  const lineOf = (report: MetricsReport, ...thresholds: readonly Threshold[]): string =>
    checkLine(report, judge(report, thresholds), thresholds)

  test('has the state, the worst breaches, and each value with its unit and thresholds', () => {
    const report = reportOf([unlinked, 7], [used, 0.963], [lag, { labels: { standby: 'b' }, value: 0.25 }, null])
    expect(
      lineOf(
        report,
        threshold('warn', 'connections_used_ratio=80%'),
        threshold('crit', 'connections_used_ratio=@95%:'),
        threshold('warn', 'messages_without_client=0'),
        threshold('crit', 'messages_without_client=~:100'),
        threshold('crit', 'replication_lag_seconds=1h30m'),
      ),
    ).toBe(
      "CHATKEEP CRITICAL: connections used ratio 96.3%, within 95%; messages without client 7, above 0 | 'messages_without_client'=7;0;~:100;0 " +
        "'connections_used_ratio'=96.3%;80;@95:;0;100 'replication_lag_seconds[b]'=0.25s;;5400;0 'replication_lag_seconds'=U;;5400;0",
    )
  })

  test('is one line, whatever the labels hold, without a bar in its text', () => {
    const labels = { table: "it's|a=b\nc", kind: 'x y' }
    const report = reportOf([size, { labels, value: 2 ** 40 }])
    expect(lineOf(report, threshold('warn', 'table_bytes=1GB'))).toBe(
      String.raw`CHATKEEP WARNING: table bytes table=it's/a=b c kind=x y 1TB, above 1GB | 'table_bytes[it''s_a_b\u000ac,x y]'=1099511627776B;1073741824;;0`,
    )
  })

  test('names three breaches and counts the others', () => {
    const metrics = ['a', 'b', 'c', 'd', 'e'].map((name) => metricOf(name))
    const thresholds = metrics.map(({ name }): Threshold => ({
      metric: name,
      labels: {},
      level: 'warn',
      range: { start: 0, end: 0, alertsOn: 'outside' },
    }))
    const report = reportOf(...metrics.map((metric) => [metric, 1] as const))
    expect(lineOf(report, ...thresholds)).toMatch(
      /^CHATKEEP WARNING: a 1, above 0; b 1, above 0; c 1, above 0; 2 more \| /,
    )
  })

  test('has no exponents and no traces of binary fractions', () => {
    const report = reportOf([used, 0.07], [unlinked, 1e-7], [size, { labels: { table: 'a', kind: 'b' }, value: 1e21 }])
    expect(lineOf(report)).toBe(
      "CHATKEEP OK: 3 metrics | 'connections_used_ratio'=7%;;;0;100 'messages_without_client'=0;;;0 'table_bytes[a,b]'=1000000000000000000000B;;;0",
    )
  })

  test('says in one line why nothing could be read', () => {
    const error = { code: 'x', hint: 'a | b', steps: [], sqlstate: null, details: ['at\n  once'], message: 'no server' }
    expect(monitoringError(error)).toBe('CHATKEEP UNKNOWN: no server; at once; hint: a / b')
  })
})
