import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { requireReplication } from '../../../src/server/keeping/replicated-store.js'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { startChatServer } from '../../../src/server/chat-server.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { startReplication, type Replication, withChatTables } from '../../support/replication.js'
import { connectTo, expectOk, SECRET, type Ack } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const GIL = 'guest-BBBBBBBBBBBBBBBBBBBBBB'

let servers: Replication
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-standby-'))
  servers = await startReplication({
    prepare: withChatTables,
  })
})
afterAll(async () => {
  await servers.stop()
  await rm(folder, { recursive: true })
})

const textsIn = async (path: string): Promise<readonly string[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .slice(1, -1)
    .map((line) => (JSON.parse(line) as { message: { text: string } }).message.text)

/** Ends the waits of commits for the standby. */
const endWaits = async (end: 'pg_cancel_backend' | 'pg_terminate_backend'): Promise<void> => {
  await until(
    async () =>
      (
        await servers.primary.query(
          `SELECT ${end}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> pg_backend_pid()`,
        )
      ).length > 0,
    { what: 'a commit waits for the standby' },
  )
}

/** The settings reach the server's processes some time after the reload. */
const untilCommitsWait = async (): Promise<void> => {
  const commits: Promise<unknown>[] = []
  const waiting = `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
  const isWaiting = async (): Promise<boolean> => (await servers.primary.query(waiting)).length > 0
  await until(
    () => {
      commits.push(servers.primary.query(`SELECT pg_logical_emit_message(true, 'test', '')`))
      return isWaiting()
    },
    { what: 'commits wait' },
  )
  await until(async () => (await servers.primary.query(CANCEL_WAITS)).length === 0, { what: 'no commit waits' })
  await Promise.all(commits)
}

const CANCEL_WAITS = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`

const replay = async (path: string, ...flags: readonly string[]) => {
  const { exitCode, stdout } = await runChatkeep(['replay', path, ...flags, '--database-url', servers.standby.url()])
  return { exitCode, verdict: stdout.trimEnd().split('\n').at(-1) ?? '' }
}

test('with --durability replicated messages are refused, or queued, while no synchronous standby is attached', async () => {
  const target = toConnectionTarget(parseDatabaseUrl(servers.primary.url(), 'the test'))
  const plain = createChatStore({ target }, { deadlineMs: 500 })
  const store = requireReplication(plain, target, 'chatkeep test')
  const save = (idempotencyKey: string) =>
    store.saveChatMessage({
      ...{ senderType: 'CLIENT', messageType: 'TEXT', text: 'replicated', sessionId: 'r', guestUsername: 'rosa' },
      idempotencyKey,
    })
  const refused = { code: 'not_replicated', retryable: true, blames: 'database' }
  try {
    await expect(save('r1')).rejects.toMatchObject({
      ...refused,
      message: 'no synchronous standby would have the message: synchronous_standby_names is empty',
    })
    await expect(store.checkReady()).rejects.toMatchObject(refused)
    await servers.waitForStandby()
    expect(await save('r2')).toMatchObject({ duplicate: false })
    await store.checkReady()
    await servers.standby.stop('fast')
    await until(() => expect(save('r3')).rejects.toThrow(/0 of 1 synchronous standbys are attached$/), {
      what: 'the primary notices that the standby is gone',
    })
  } finally {
    await servers.standby.start()
    await servers.primary.query('ALTER SYSTEM RESET synchronous_standby_names')
    await servers.primary.query('SELECT pg_reload_conf()')
    await servers.primary.query('DELETE FROM "ChatMessage"')
    await store.close()
  }
})

test('a conversation that a standby lacks is not unknown: the request may be repeated, or is queued', async () => {
  const { primary, standby } = servers
  const store = createChatStore({ databaseUrl: primary.url() })
  const pool = new pg.Pool({ connectionString: standby.url() })
  const late = createChatStore({ pool }, { deadlineMs: 100 })
  // As behind a proxy that sends reads to the standby.
  const options = {
    ...{ port: 0, operatorSecret: SECRET },
    store: { ...store, getChatHistory: late.getChatHistory.bind(late), findChat: late.findChat.bind(late) },
  }
  const path = join(folder, 'late.journal')
  const [plain, queueing] = await Promise.all([
    startChatServer(options),
    startChatServer({ ...options, journal: { path } }),
  ])
  const sockets = await Promise.all([plain, queueing].map(({ port }) => connectTo(port)))
  try {
    await standby.query('SELECT pg_wal_replay_pause()')
    await store.saveChatMessage({
      ...{ senderType: 'CLIENT', messageType: 'TEXT', text: 'a moment ago', sessionId: GIL, guestUsername: 'gil' },
    })
    const ask = async (index: number, event: string, payload: object): Promise<Ack> =>
      (await sockets[index]?.emitWithAck(event, payload)) as Ack
    for (const index of [0, 1])
      expectOk(await ask(index, 'join', { role: 'operator', name: 'Lucía', operatorId: null, token: SECRET }))
    const retryable = { ok: false, error: { code: 'database_unavailable', retryable: true } }
    const reply = { to: GIL, type: 'text', message: 'hello', messageId: 'reply' }
    expect(await ask(0, 'operatorMessage', reply)).toMatchObject(retryable)
    expect(await ask(0, 'markRead', { clientId: GIL })).toMatchObject(retryable)
    expect(await ask(1, 'operatorMessage', reply)).toMatchObject({ ok: true, queued: true })
    await expect(stat(`${path}.rejected`)).rejects.toMatchObject({ code: 'ENOENT' })
  } finally {
    for (const socket of sockets) socket.disconnect()
    await Promise.all([plain.close(), queueing.close()])
    await Promise.all([store.close(), late.close().then(() => pool.end())])
    await standby.query('SELECT pg_wal_replay_resume()')
    await primary.query('DELETE FROM "ChatMessage"')
  }
})

test('what a server acknowledged is on the promoted standby, in its journal, or in the file of acknowledged messages', async () => {
  const path = join(folder, 'chat.journal')
  const acknowledged = `${path}.acknowledged`
  const store = createChatStore({ databaseUrl: servers.primary.url() }, { deadlineMs: 500 })
  const server = await startChatServer({
    ...{ port: 0, eventsPerSecond: 0, store },
    journal: { path, keepAcknowledgedMs: 3_600_000 },
  })
  const guest = await connectTo(server.port)
  const ask = async (event: string, payload: object): Promise<Ack> =>
    expectOk((await guest.emitWithAck(event, payload)) as Ack)
  const say = (message: string): Promise<Ack> => ask('clientMessage', { type: 'text', message, messageId: message })
  await ask('join', { role: 'client', username: 'ana' })

  const first = ['on both', 'lost 1', 'lost 2', 'lost 3']
  await say('on both')
  await until(async () => (await servers.standby.query('SELECT FROM "ChatMessage"')).length === 1, {
    what: 'the standby has the first message',
  })
  await servers.standby.stop('fast')
  for (const text of first.slice(1)) expect(await say(text)).not.toHaveProperty('queued')
  expect(await textsIn(acknowledged)).toEqual(first)
  expect((await stat(acknowledged)).mode & 0o777).toBe(0o600)

  await servers.primary.query(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`)
  await servers.primary.query('SELECT pg_reload_conf()')
  await untilCommitsWait()
  const queued = ['unconfirmed 1', 'unconfirmed 2', 'unconfirmed 3']
  for (const text of queued) expect(await say(text)).toMatchObject({ queued: true })
  for (const end of ['pg_cancel_backend', 'pg_cancel_backend', 'pg_terminate_backend'] as const) await endWaits(end)
  await until(async () => (await servers.primary.query('SELECT FROM "ChatMessage"')).length > first.length, {
    what: 'rows are visible that no standby has',
  })
  expect(await textsIn(path)).toEqual(queued)

  await servers.primary.stop('kill')
  await servers.standby.start()
  await servers.promote()
  guest.disconnect()
  await server.close()
  await store.close()

  const missing = 'FAIL: 3 of 4 messages of the journal are not in the database: without --check-only they are stored'
  expect(await replay(acknowledged, '--check-only')).toEqual({ exitCode: 1, verdict: missing })
  for (const file of [acknowledged, path]) expect(await replay(file)).toMatchObject({ exitCode: 0 })
  expect(await replay(acknowledged, '--check-only')).toMatchObject({ exitCode: 0 })
  const rows = await servers.standby.query('SELECT "text" FROM "ChatMessage" ORDER BY "createdAt", "id"')
  expect(rows.map(({ text }) => text)).toEqual([...first, ...queued])
})
