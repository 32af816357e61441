import { spawnSync } from 'node:child_process'
import { SILENT_LOG } from '../../../src/chat-log.js'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { readMetrics } from '../../../src/metrics/read-metrics.js'
import { createServerMetrics } from '../../../src/server/metrics/create-server-metrics.js'
import { expect, test } from '../../support/database.js'
import { installed } from '../../support/prometheus/installed.js'
import { withPrometheus } from '../../support/prometheus/prometheus.js'
import { expectOk, withChat, withoutMessages } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const prometheus = installed('prometheus')

interface RuleGroups {
  readonly groups: readonly {
    readonly rules: readonly { readonly name: string; readonly health: string; readonly state: string }[]
  }[]
}

// Skipped where Prometheus is not installed: what it makes of the metrics, only it can say.
test.skipIf(prometheus === undefined)(
  'a real Prometheus counts what was sent, and fires no alert',
  async ({ database }) => {
    await withoutMessages(database)
    const target = toConnectionTarget(parseDatabaseUrl(database.url, 'test'))
    const reading = { since: 60_000, statementTimeoutMs: 5_000, onWait: () => undefined }
    const metrics = createServerMetrics('shared', {
      read: (signal) => readMetrics(target, { ...reading, signal }),
      intervalMs: 100,
      thresholds: [],
      log: SILENT_LOG,
    })
    await withChat(database, { metrics }, async ({ server, guest, operator }) => {
      await withPrometheus(prometheus ?? '', `127.0.0.1:${server.port}`, async ({ ask, query }) => {
        const outcomes = () => query('chatkeep_server_messages_total > 0', 'outcome')
        await until(async () => expect(await query('up')).toEqual({ '': 1 }), { what: 'the first scrape' })
        const [ana, lucia] = [await guest('ana'), await operator('Lucía')]
        const send = (message: string, messageId: string) =>
          ana.ask('clientMessage', { type: 'text', message, messageId })
        for (let number = 0; number < 20; number += 1) expectOk(await send('hello', `${number}`))
        for (let number = 0; number < 5; number += 1) expectOk(await send('hello', `${number}`))
        expect((await send('other', '0')).ok).toBe(false)
        expectOk(await lucia.ask('operatorMessage', { to: ana.clientId, type: 'text', message: 'yes?' }))
        await until(async () => expect(await outcomes()).toEqual({ committed: 21, duplicate: 5, rejected: 1 }), {
          what: 'the outcomes',
        })
        for (const [text, value] of [
          ['chatkeep_server_messages_received_total', 27],
          [
            'chatkeep_server_messages_received_total - ignoring(outcome) sum without (outcome) (chatkeep_server_messages_total)',
            0,
          ],
          ['chatkeep_server_messages_unaccounted', 0],
          ['chatkeep_server_conversations', 1],
          ['chatkeep_database_up', 1],
          ['sum(chatkeep_messages)', 21],
          // Both forms of the histogram have the same in them.
          ['sum(chatkeep_server_acknowledgement_seconds_bucket{le="+Inf"})', 27],
          ['sum(histogram_count(chatkeep_server_acknowledgement_native_seconds))', 27],
          [
            'sum(histogram_sum(chatkeep_server_acknowledgement_native_seconds) - chatkeep_server_acknowledgement_seconds_sum)',
            0,
          ],
        ] as const)
          await until(async () => expect(await query(text)).toEqual({ '': value }), { what: text })
        const slow = 'histogram_quantile(0.99, sum(chatkeep_server_acknowledgement_native_seconds))'
        expect((await query(slow))['']).toBeGreaterThan(0)
        const { groups } = (await ask('rules')) as RuleGroups
        const rules = groups.flatMap((group) => group.rules)
        expect(rules.length).toBeGreaterThan(15)
        const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
        expect(
          spawnSync(installed('promtool') ?? '', ['check', 'metrics'], { input: text, encoding: 'utf8' }),
        ).toMatchObject({
          status: 0,
          stderr: '',
        })
        expect(rules.filter(({ health, state }) => health !== 'ok' || state === 'firing')).toEqual([])
      })
    })
    metrics.close()
  },
)
