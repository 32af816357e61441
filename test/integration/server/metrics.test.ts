import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SILENT_LOG } from '../../../src/chat-log.js'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { readMetrics } from '../../../src/metrics/read-metrics.js'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { createServerMetrics } from '../../../src/server/metrics/create-server-metrics.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { expect, test as databaseTest } from '../../support/database.js'
import { messagesIn, scrape } from '../../support/scrape.js'
import { expectOk, untilWaiting, whileBlocked, withChat, withoutMessages } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

/** A conversation that no guest has begun. */
const NOBODY = 'nobody'

const text = (message: string, messageId = message) => ({ type: 'text', message, messageId })

databaseTest('a server accounts for every message that it received', async ({ database }) => {
  await withoutMessages(database)
  const metrics = createServerMetrics('shared')
  await withChat(database, { metrics, maxPendingPerSocket: 3 }, async ({ server, guest, operator, connect }) => {
    const read = () => scrape(`http://127.0.0.1:${server.port}/metrics`)
    const [ana, ana2, lucia] = [await guest('ana'), await guest('ana'), await operator('Lucía')]
    await connect()
    for (const message of ['a', 'b']) expectOk(await ana.ask('clientMessage', text(message)))
    expectOk(await lucia.ask('operatorMessage', { to: ana.clientId, ...text('yes?') }))
    expect(expectOk(await ana.ask('clientMessage', text('a'))).duplicate).toBe(true)
    for (const [peer, event, payload] of [
      [ana, 'clientMessage', text('other', 'a')],
      [ana, 'clientMessage', text('', 'empty')],
      [ana, 'clientMessage', 'no object'],
      [ana, 'operatorMessage', { to: ana2.clientId, ...text('not an operator') }],
      [lucia, 'operatorMessage', { to: NOBODY, ...text('lost') }],
    ] as const)
      expect(await peer.ask(event, payload)).toMatchObject({ ok: false })
    // Its join is about to be refused, and nobody waits for an answer.
    const stranger = await connect()
    stranger.socket.emit('join', { role: 'operator', name: 'X', token: 'a wrong secret, of some length' })
    stranger.socket.emit('clientMessage', text('dropped'))
    await stranger.disconnected()
    const before = { received: 10, committed: 3, duplicate: 1, rejected: 5, dropped: 1 }
    await until(async () => expect(messagesIn(await read())).toEqual(before), { what: 'the first ten' })

    await whileBlocked(database, async (release) => {
      const underWay = ['c', 'd', 'e'].map((message) => ana.ask('clientMessage', text(message)))
      await untilWaiting(database, 1)
      expect(await ana.ask('clientMessage', text('f'))).toMatchObject({ error: { code: 'too_many_pending' } })
      // The answer of a readiness probe holds for a second.
      await until(async () => (await read()).chatkeep_server_ready === 0, { what: 'not ready' })
      const samples = await read()
      expect(messagesIn(samples)).toEqual({ ...before, received: 14, failed: 1, in_flight: 3 })
      expect(samples).toMatchObject({
        // The messages of a socket are saved one after another.
        chatkeep_server_save_queue_messages: 1,
        'chatkeep_server_limited_total{limit="max-pending-per-socket"}': 1,
        'chatkeep_server_refusals_total{code="idempotency_conflict"}': 1,
      })
      await release()
      ;(await Promise.all(underWay)).forEach(expectOk)
    })
    const samples = await read()
    expect(messagesIn(samples)).toEqual({ ...before, received: 14, failed: 1, committed: 6 })
    expect(samples).toMatchObject({
      'chatkeep_server_sockets{role="guest"}': 2,
      'chatkeep_server_sockets{role="operator"}': 1,
      'chatkeep_server_sockets{role="unjoined"}': 1,
      chatkeep_server_conversations: 2,
      chatkeep_server_pool_waiting: 0,
      chatkeep_server_statements_abandoned: 0,
      'chatkeep_server_acknowledgement_seconds_count{result="ok"}': 7,
      'chatkeep_server_acknowledgement_seconds_count{result="error"}': 6,
      'chatkeep_server_acknowledgement_seconds_bucket{le="+Inf",result="ok"}': 7,
    })
    expect(Object.keys(samples).filter((name) => name.includes('journal_'))).toHaveLength(3)
  })
  metrics.close()
})

databaseTest('a server shows its journal and its database, also while that is unavailable', async ({ database }) => {
  await withoutMessages(database)
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-metrics-'))
  await withProxy(database.url, async (proxy) => {
    const target = toConnectionTarget(parseDatabaseUrl(proxy.url, 'test'))
    const reading = { since: 60_000, statementTimeoutMs: 5_000, onWait: () => undefined }
    const metrics = createServerMetrics('shared', {
      read: (signal) => readMetrics(target, { ...reading, signal }),
      intervalMs: 0,
      thresholds: [],
      log: SILENT_LOG,
    })
    const store = createChatStore({ databaseUrl: proxy.url }, { deadlineMs: 500 })
    const options = { metrics, store, journal: { path: join(folder, 'chat.journal') } }
    await withChat(database, options, async ({ server, guest, operator }) => {
      const read = () => scrape(`http://127.0.0.1:${server.port}/metrics`)
      const [ana, lucia] = [await guest('ana'), await operator('Lucía')]
      // The first reading may take longer than a scraper is kept waiting.
      const first = await until(
        async () => {
          const samples = await read()
          expect(samples).toMatchObject({ chatkeep_database_up: 1, chatkeep_messages_without_client: 0 })
          return samples
        },
        { what: 'the metrics of the database' },
      )
      proxy.pointAt('postgres://127.0.0.1:1/crm')
      proxy.cut()
      expect(await ana.ask('clientMessage', text('a'))).toMatchObject({ queued: true })
      expect(await lucia.ask('operatorMessage', { to: NOBODY, ...text('lost') })).toMatchObject({ queued: true })
      const queued = await read()
      expect(messagesIn(queued)).toEqual({ received: 2, queued: 2 })
      expect(queued).toMatchObject({
        chatkeep_server_journal_messages: 2,
        chatkeep_server_journal_usable: 1,
        chatkeep_server_journal_rejected_bytes: 0,
        chatkeep_server_journal_max_bytes: 256 * 1_048_576,
      })
      const { chatkeep_server_journal_bytes: empty = 0, chatkeep_database_metrics_age_seconds: age = 0 } = first
      expect(queued.chatkeep_server_journal_bytes).toBeGreaterThan(empty)
      // What was read before stays, and its age tells.
      expect(queued).toMatchObject({ chatkeep_database_up: 0, chatkeep_messages_without_client: 0 })
      expect(queued.chatkeep_database_metrics_age_seconds).toBeGreaterThan(age)
      expect(queued.chatkeep_server_journal_oldest_seconds).toBeGreaterThan(0)
      proxy.pointAt(database.url)
      await until(
        async () =>
          expect(await read()).toMatchObject({
            chatkeep_server_journal_messages: 0,
            chatkeep_server_journal_oldest_seconds: 0,
            'chatkeep_server_journal_drained_total{outcome="stored"}': 1,
            'chatkeep_server_journal_drained_total{outcome="rejected"}': 1,
            chatkeep_database_up: 1,
          }),
        { what: 'the journal is drained' },
      )
      expect((await read()).chatkeep_server_journal_rejected_bytes).toBeGreaterThan(100)
      expect(messagesIn(await read())).toEqual({ received: 2, queued: 2 })
    })
    metrics.close()
  })
  await rm(folder, { recursive: true })
})
