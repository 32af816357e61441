import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { prometheusName } from '../../../src/metrics/faces/registry.js'
import { metrics } from '../../../src/metrics/index.js'
import { createServerMetrics } from '../../../src/server/metrics/create-server-metrics.js'
import { repository } from '../../support/chatkeep-process.js'
import { readQuery, selects, seriesIn, type Series } from '../../support/prometheus/queries.js'
import { readRules } from '../../support/prometheus/rules.js'

const DASHBOARD = join(repository, 'docs', 'monitoring', 'chatkeep.dashboard.json')

interface Dashboard {
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
  readonly templating: { readonly list: readonly { readonly definition?: string }[] }
  readonly panels: readonly {
    readonly title: string
    readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
  }[]
}

const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard

/** What Grafana fills in. */
const withoutVariables = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*')

/** Everything that a server shows, and what Prometheus adds. */
const readSeries = async (): Promise<readonly Series[]> => {
  const server = createServerMetrics('own', {
    read: () => Promise.reject(new Error('no database')),
    intervalMs: 0,
    thresholds: [],
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  })
  server.watch({
    participants: () => [],
    storeLoad: () => ({
      queue: { messages: 0, bytes: 0 },
      pool: { total: 0, idle: 0, waiting: 0 },
      ...{ timeline: 1, abandoned: 0 },
    }),
    journal: { waiting: 0, oldestAt: undefined, sizeBytes: 0, maxBytes: 1, rejected: { path: '/' } },
    isJournalUsable: () => true,
    isReady: () => Promise.resolve(true),
  })
  const { body } = await server.read()
  server.close()
  const ofDatabase = metrics.map(({ name, labels = [] }) => ({
    metric: prometheusName(name),
    labels: Object.fromEntries(labels.map((label) => [label, ''])),
  }))
  const ofPrometheus = [
    { metric: 'up', labels: {} },
    { metric: 'ALERTS', labels: { alertname: 'ChatkeepServerDown', alertstate: 'firing' } },
  ]
  return [...seriesIn(String(body)), ...ofDatabase, ...ofPrometheus]
}

const series = await readSeries()

const queries = [
  ...readRules().map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.annotations.list.map(({ expr }) => ['annotations', expr] as const),
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
]

/** What is wrong with a query. */
const mistakesIn = (expr: string): readonly string[] => {
  const { selectors, groupings } = readQuery(withoutVariables(expr))
  const labels = new Set(['instance', 'job', ...selectors.flatMap((selector) => labelsOf(selector.metric))])
  return [
    ...selectors
      .filter((one) => !series.some((other) => selects(one, other)))
      .map(({ metric }) => `${metric}: no such`),
    ...groupings.filter((label) => !labels.has(label)).map((label) => `${label}: no such label`),
  ]
}

const labelsOf = (metric: string): readonly string[] =>
  series.filter((one) => one.metric === metric).flatMap(({ labels }) => Object.keys(labels))

describe('the queries of the alerts and of the dashboard', () => {
  test('ask for what a server shows', () => {
    expect(queries.length).toBeGreaterThan(50)
    expect(queries.flatMap(([name, expr]) => mistakesIn(expr).map((mistake) => `${name}: ${mistake}`))).toEqual([])
  })

  test('would be refused with another name, label, value or syntax', () => {
    expect(mistakesIn('chatkeep_server_redy == 0')).toEqual(['chatkeep_server_redy: no such'])
    expect(mistakesIn('sum by (outcom) (chatkeep_server_messages_total)')).toEqual(['outcom: no such label'])
    expect(mistakesIn('chatkeep_server_messages_total{outcome="lost"}')).toHaveLength(1)
    expect(() => mistakesIn('sum(up')).toThrow('sum(up <- here')
  })

  test('have labels in their legends', () => {
    for (const { targets = [] } of dashboard.panels)
      for (const { expr, legendFormat } of targets) {
        const { selectors } = readQuery(withoutVariables(expr))
        const known = ['instance', 'job', ...selectors.flatMap(({ metric }) => labelsOf(metric))]
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(known).toContain(label)
      }
  })
})

test('the panels of the dashboard do not overlap, and fit its 24 columns', () => {
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24)
    return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`)
  })
  expect(new Set(cells).size).toBe(cells.length)
})
