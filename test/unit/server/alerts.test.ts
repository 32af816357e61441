import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { anchorsOf } from '../../support/docs/links.js'
import { readPage } from '../../support/docs/pages.js'
import { installed } from '../../support/prometheus/installed.js'
import { readRules, RULE_FILE, type AlertRule } from '../../support/prometheus/rules.js'

const run = promisify(execFile)
const rules = readRules()
const promtool = installed('promtool')

/** Values of series, from which an alert follows, and others, from which it does not. A value of the form `a+bxN` grows. */
interface AlertCase {
  readonly fires: Readonly<Record<string, string>>
  readonly isQuiet: Readonly<Record<string, string>>
}

const DAY_S = 86_400

/** Those of one series. */
const of = (series: string, fires: string | number, isQuiet: string | number): AlertCase => ({
  fires: { [series]: String(fires) },
  isQuiet: { [series]: String(isQuiet) },
})

const failed = 'chatkeep_server_messages_total{outcome="failed"}'
const rejected = 'chatkeep_server_messages_total{outcome="rejected"}'
const received = 'chatkeep_server_messages_received_total'
const limited = 'chatkeep_server_limited_total'
const journal = (bytes: string, messages: number, usable = 1) => ({
  chatkeep_server_journal_bytes: bytes,
  chatkeep_server_journal_max_bytes: '1000000',
  chatkeep_server_journal_messages: String(messages),
  chatkeep_server_journal_usable: String(usable),
})
/** Ten messages a second, each acknowledged within a time. */
const acknowledged = (withinS: number) =>
  Object.fromEntries(
    [0.5, 2.5, '+Inf'].map((le) => [
      `chatkeep_server_acknowledgement_seconds_bucket{result="ok",le="${le}"}`,
      typeof le === 'number' && le < withinS ? '0' : '0+150',
    ]),
  )

const CASES: Readonly<Record<string, AlertCase>> = {
  ChatkeepServerDown: of('up{job="chatkeep"}', 0, 1),
  ChatkeepMessageUnaccounted: of('chatkeep_server_messages_unaccounted', -1, 0),
  ChatkeepMessagesFailed: of(failed, '0+1', 7),
  ChatkeepNotReady: of('chatkeep_server_ready', 0, 1),
  ChatkeepDatabaseUnavailable: {
    fires: { 'chatkeep_database_up{instance="a"}': '0', 'chatkeep_database_up{instance="b"}': '0' },
    isQuiet: { 'chatkeep_database_up{instance="a"}': '0', 'chatkeep_database_up{instance="b"}': '1' },
  },
  // Full in an hour, but not yet half full.
  ChatkeepJournalFilling: { fires: journal('100000+5000', 9), isQuiet: journal('100000+100', 9) },
  ChatkeepJournalInUse: of('chatkeep_server_journal_oldest_seconds', '0+15', 0),
  ChatkeepMessagesRejected: {
    fires: { [rejected]: '0+1', [received]: '0+10' },
    isQuiet: { [rejected]: '0+1', [received]: '0+100' },
  },
  ChatkeepQueuedMessageRejected: of('chatkeep_server_journal_rejected_bytes', 310, 0),
  ChatkeepSlow: { fires: acknowledged(2), isQuiet: acknowledged(0.1) },
  ChatkeepConnectionsWaiting: of('chatkeep_server_pool_waiting', 3, 0),
  ChatkeepEventLoopDelayed: of('chatkeep_server_event_loop_delay_p99_seconds', 0.5, 0.02),
  ChatkeepConnectionLimit: {
    fires: { [`${limited}{limit="max-connections"}`]: '0+1' },
    isQuiet: { [`${limited}{limit="events-per-second"}`]: '0+1' },
  },
  ChatkeepConnectionsUsed: of('chatkeep_connections_used_ratio', 0.95, 0.5),
  ChatkeepSessionsWaiting: of('chatkeep_waiting_sessions', 1, 0),
  ChatkeepOldTransaction: of('chatkeep_oldest_transaction_seconds', '600+15', '0+1'),
  ChatkeepReplicationLag: of('chatkeep_replication_lag_seconds{standby="b"}', 31, 2),
  ChatkeepMetricsStale: of('chatkeep_database_metrics_age_seconds', '300+15', 12),
  ChatkeepMessagesWithoutClient: of('chatkeep_messages_without_client', 101, 100),
  ChatkeepInvalidIndex: of('chatkeep_invalid_indexes', 1, 0),
  ChatkeepIdsEnding: {
    fires: { 'chatkeep_id_exhaustion_seconds{table="ChatMessage"}': String(80 * DAY_S) },
    isQuiet: {
      'chatkeep_id_exhaustion_seconds{table="ChatMessage"}': String(400 * DAY_S),
      'chatkeep_sequence_used_ratio{table="ChatMessage",column="id"}': '0.4',
    },
  },
}

/** Other ways in which an alert fires. */
const MORE: readonly (readonly [alert: string, fires: AlertCase['fires']])[] = [
  ['ChatkeepJournalFilling', journal('100', 0, 0)],
  ['ChatkeepJournalFilling', journal('900000', 9)],
  ['ChatkeepIdsEnding', { 'chatkeep_sequence_used_ratio{table="ChatMessage",column="id"}': '0.95' }],
]

const SCRAPE_S = 15
const LAST_S = 2 * 3_600

/** One rule, series, and whether it fires. All cases are one test of promtool, which takes half a second for each. */
interface Trial {
  readonly rule: AlertRule
  readonly series: AlertCase['fires']
  readonly fires: boolean
}

const trialsOf = (rule: AlertRule): readonly Trial[] => {
  const { fires, isQuiet } = CASES[rule.alert] ?? { fires: {}, isQuiet: {} }
  const more = MORE.filter(([alert]) => alert === rule.alert).map(([, series]) => ({ rule, series, fires: true }))
  return [{ rule, series: fires, fires: true }, { rule, series: isQuiet, fires: false }, ...more]
}

/** A label of its own keeps the series of a trial from those of the others. */
const withLabel = (series: string, label: string): string =>
  series.endsWith('}') ? series.replace(/}$/, `,${label}}`) : `${series}{${label}}`

const toInput = ({ series }: Trial, number: number) =>
  Object.entries(series).map(([name, values]) => ({
    series: withLabel(name, `trial="${number}"`),
    values: `${/[+x]/.test(values) ? values : `${values}+0`}x${LAST_S / SCRAPE_S}`,
  }))

/** The alert fires when it has lasted as long as it says, and not before; or never. */
const toExpectation = ({ rule: { alert, for: lasts = '0s' }, fires }: Trial, number: number) => {
  const isFiring = (atS: number, expected: boolean) => ({
    expr: `max by (trial) (ALERTS{alertname="${alert}",alertstate="firing",trial="${number}"})`,
    eval_time: `${atS}s`,
    exp_samples: expected ? [{ labels: `{trial="${number}"}`, value: 1 }] : [],
  })
  const waitS = toSeconds(lasts)
  const early = fires && waitS > 0 ? [isFiring(waitS - SCRAPE_S, false)] : []
  return [...early, isFiring(LAST_S, fires)]
}

const toSeconds = (duration: string): number => {
  const [, count = '', unit = ''] = /^(\d+)([smh])$/.exec(duration) ?? []
  return Number(count) * ({ s: 1, m: 60, h: 3_600 }[unit] ?? NaN)
}

describe('an alert', () => {
  test('has a severity, texts, and a section of the runbook under its own name', async () => {
    const anchors = anchorsOf(await readPage('docs/operations.md'))
    for (const { alert, labels, annotations } of rules) {
      expect(['critical', 'warning']).toContain(labels.severity)
      expect(annotations.summary).toMatch(/\S.*\.$/)
      expect(annotations.description).toMatch(/\S.*\.$/)
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`)
      expect(anchors).toContain(alert.toLowerCase())
    }
  })

  test('stands where the runbook has it: the most urgent first', async () => {
    const { text } = await readPage('docs/operations.md')
    const headings = Array.from(text.matchAll(/^### (Chatkeep\w+)$/gm), ([, name]) => name)
    expect(headings).toEqual(rules.map(({ alert }) => alert))
  })

  test.skipIf(promtool === undefined)('fires when it should and not otherwise, as promtool says', async () => {
    expect(Object.keys(CASES)).toEqual(rules.map(({ alert }) => alert))
    const trials = rules.flatMap(trialsOf)
    const test = {
      interval: `${SCRAPE_S}s`,
      input_series: trials.flatMap(toInput),
      promql_expr_test: trials.flatMap(toExpectation),
    }
    const folder = await mkdtemp(join(tmpdir(), 'chatkeep-rules-'))
    const file = join(folder, 'test.yml')
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ rule_files: [RULE_FILE], evaluation_interval: '1m', tests: [test] }))
    const { stderr, stdout } = await run(promtool ?? '', ['test', 'rules', file])
    expect(`${stdout}${stderr}`).toContain('SUCCESS')
    await rm(folder, { recursive: true })
  })
})
