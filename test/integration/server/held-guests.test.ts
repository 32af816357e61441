import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { afterEach, beforeEach, expect, test, type TestDatabase } from '../../support/database.js'
import { expectOk, withChat, withoutMessages, type Peer, type TestChat } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

/** Twice that of `chatkeep serve` with a journal: on a busy machine a statement may take a second. */
const DEADLINE_MS = 3_000

const text = (message: string) => ({ type: 'text', message, messageId: message })

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-held-'))
})
afterEach(() => rm(folder, { recursive: true }))

const withJournal = (database: TestDatabase, url: string, work: (chat: TestChat) => Promise<void>): Promise<void> => {
  const store = createChatStore({ databaseUrl: url }, { deadlineMs: DEADLINE_MS })
  return withChat(database, { store, journal: { path: join(folder, 'chat.journal') } }, work)
}

const logged = ({ log }: TestChat, event: string): readonly string[] =>
  log.filter((line) => line.includes(`"event":"${event}"`))

const writtenBy = (database: TestDatabase, guest: string) =>
  database.query<{ text: string; clientId: number | null }>(
    `SELECT "text", "clientId" FROM "ChatMessage" WHERE "guestUsername" = $1 ORDER BY "id"`,
    [guest],
  )

const send = async (guest: Peer, prefix: string, messages: number): Promise<readonly unknown[]> => {
  const acks: unknown[] = []
  for (let n = 1; n <= messages; n += 1) acks.push(await guest.ask('clientMessage', text(`${prefix} ${n}`)))
  return acks
}

const numbered = (prefix: string, messages: number): readonly string[] =>
  Array.from({ length: messages }, (_, n) => `${prefix} ${n + 1}`)

test('a guest whose client an open transaction creates is no outage, and holds up nobody else', async ({
  database,
}) => {
  await withoutMessages(database)
  await withJournal(database, database.url, async (chat) => {
    const [held, free] = [await chat.guest('held'), await chat.guest('free')]
    expectOk(await free.ask('clientMessage', text('before')))
    const application = await database.client()
    await application.query('BEGIN')
    await application.query(`INSERT INTO "Client" ("username", "updatedAt") VALUES ('held', now())`)

    const writing = { isOver: false }
    const others = (async () => {
      const acks: unknown[] = []
      while (!writing.isOver) acks.push(await free.ask('clientMessage', text(`free ${acks.length + 1}`)))
      return acks
    })()
    const began = performance.now()
    const first = await held.ask('clientMessage', text('held 1'))
    const firstMs = performance.now() - began
    expect(first).toMatchObject({ ok: true })
    const acks = await send(held, 'next', 12)
    const restMs = performance.now() - began - firstMs
    writing.isOver = true
    for (const ack of [first, ...acks, ...(await others)]) {
      expect(ack).toMatchObject({ ok: true })
      expect(ack).not.toHaveProperty('queued')
    }
    // Twelve would wait for nine seconds if each waited as the first one did.
    expect(restMs).toBeLessThan(6 * firstMs)
    expect(await (await fetch(`http://127.0.0.1:${chat.server.port}/readyz`)).json()).toMatchObject({
      ok: true,
      destination: 'database',
    })
    expect(logged(chat, 'journal_in_use')).toEqual([])

    await application.query('COMMIT')
    const inOrder = ['held 1', ...numbered('next', 12)]
    const rows = await writtenBy(database, 'held')
    expect(rows.map((row) => row.text)).toEqual(inOrder)
    expect(rows.map((row) => row.clientId)).toEqual(inOrder.map(() => null))
    // The next one finds the client, and the store remembers nothing of it.
    expectOk(await held.ask('clientMessage', text('afterwards')))
    expect((await writtenBy(database, 'held')).at(-1)).toMatchObject({ clientId: expect.any(Number) as number })
  })
})

test('a message that waits for a row lock longer than the deadline is not queued, and the database counts as available', async ({
  database,
}) => {
  await withoutMessages(database)
  await withJournal(database, database.url, async (chat) => {
    const operator = await chat.operator('Lucía', 1)
    const guest = await chat.guest('ana')
    expectOk(await guest.ask('clientMessage', text('before')))
    const application = await database.client()
    await application.query('BEGIN')
    await application.query('SELECT FROM "User" FOR UPDATE')
    const answer = { to: guest.clientId, ...text('answer') }
    const waiting = operator.ask('operatorMessage', answer)
    const free = await chat.guest('free')
    expect(await send(free, 'free', 5)).toMatchObject(Array(5).fill({ ok: true, duplicate: false }))
    await delay(DEADLINE_MS + 500)
    expect(await free.ask('clientMessage', text('after'))).toMatchObject({ ok: true, duplicate: false })
    await application.query('ROLLBACK')
    expect(await waiting).toMatchObject({ ok: true, duplicate: false })
    expect(await waiting).not.toHaveProperty('queued')
    expect(logged(chat, 'journal_in_use')).toEqual([])
    expect(chat.log.join()).not.toContain('database_unavailable')
    expect(await operator.ask('operatorMessage', answer)).toMatchObject({ ok: true, duplicate: true })
  })
})

test('a journal with messages of a guest who is held is drained meanwhile, and nobody waits for them', async ({
  database,
}) => {
  await withoutMessages(database)
  await withProxy(database.url, async (proxy) => {
    await withJournal(database, proxy.url, async (chat) => {
      const [held, free] = [await chat.guest('held'), await chat.guest('free')]
      expectOk(await free.ask('clientMessage', text('before')))
      const application = await database.client()
      await application.query('BEGIN')
      await application.query(`INSERT INTO "Client" ("username", "updatedAt") VALUES ('held', now())`)
      proxy.pointAt('postgres://127.0.0.1:1/crm')
      proxy.cut()
      await send(free, 'queued', 3)
      await send(held, 'held', 20)
      proxy.pointAt(database.url)
      // The transaction is open until the journal is empty.
      await until(() => logged(chat, 'journal_drained').length === 1, { what: 'the journal is drained' })
      const [drained] = logged(chat, 'journal_drained').map((line) => JSON.parse(line) as { durationMs: number })
      // Twenty would wait for fifteen seconds if each waited as the first one does.
      expect(drained?.durationMs).toBeLessThan(8_000)
      expect(await free.ask('clientMessage', text('afterwards'))).toMatchObject({ ok: true, duplicate: false })
      await application.query('COMMIT')
    })
  })
  expect((await writtenBy(database, 'held')).map((row) => row.text)).toEqual(numbered('held', 20))
})
