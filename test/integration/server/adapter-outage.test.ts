import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { withProxy, type CuttableProxy } from '../../support/cuttable-proxy.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { expectOk, withChat, withoutMessages, type Peer, type TestChat } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const NOWHERE = 'postgres://127.0.0.1:1/crm'
const text = (message: string) => ({ type: 'text', message, messageId: message })

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-adapter-'))
})
afterEach(() => rm(folder, { recursive: true }))

interface Side extends TestChat {
  readonly away: () => void
  readonly back: () => void
}

/** A server of a cluster, with a journal, whose way to the database can be closed and opened. */
const withSide = (database: TestDatabase, name: string, work: (side: Side) => Promise<void>): Promise<void> =>
  withProxy(database.url, (proxy: CuttableProxy) => {
    const away = (): void => {
      proxy.pointAt(NOWHERE)
      proxy.cut()
    }
    const options = {
      store: createChatStore({ databaseUrl: proxy.url }, { deadlineMs: 1_000 }),
      journal: { path: join(folder, name) },
      adapter: { target: toConnectionTarget(parseDatabaseUrl(proxy.url, 'the test')) },
    }
    return withChat(database, options, (chat) => work({ ...chat, away, back: () => proxy.pointAt(database.url) }))
  })

const untilLogged = async ({ log }: TestChat, event: string): Promise<void> => {
  await until(() => log.some((line) => line.includes(`"event":"${event}"`)), { what: event })
}

const messagesOf = (peer: Peer, event: string): readonly unknown[] =>
  peer.all(event).map((payload) => (payload as { readonly message: unknown }).message)

test('what one server drained before another was connected again is shown there, once and in order', async ({
  database,
}) => {
  await withoutMessages(database)
  await withSide(database, 'a', (a) =>
    withSide(database, 'b', async (b) => {
      const [lucia, mateo] = [await a.operator('Lucía', 1), await b.operator('Mateo', 2)]
      const [ana, bruno] = [await a.guest('ana'), await b.guest('bruno')]
      await mateo.next('newChat', 2)
      await lucia.next('newChat', 2)
      for (const side of [a, b]) side.away()
      for (const side of [a, b]) await untilLogged(side, 'adapter_lost')
      const sent = Array.from({ length: 20 }, (_, index) => `a${index}`)
      for (const message of sent)
        expect(await ana.ask('clientMessage', text(message))).toMatchObject({ ok: true, queued: true })
      expect(await lucia.ask('operatorMessage', { ...text('hello bruno'), to: bruno.clientId })).toMatchObject({
        queued: true,
      })
      a.back()
      await untilLogged(a, 'journal_drained')
      // Its journal is empty: this goes to the database at once.
      expectOk(await ana.ask('clientMessage', text('at last')))
      expect(mateo.all('incomingMessage')).toEqual([])
      b.back()
      await mateo.next('incomingMessage', 21)
      await bruno.next('operatorMessage')
      await untilLogged(b, 'adapter_restored')
      expectOk(await ana.ask('clientMessage', text('afterwards')))
      await mateo.next('incomingMessage', 22)
      expect(messagesOf(mateo, 'incomingMessage')).toEqual([...sent, 'at last', 'afterwards'])
      expect(messagesOf(lucia, 'incomingMessage')).toEqual([...sent, 'at last', 'afterwards'])
      expect(messagesOf(bruno, 'operatorMessage')).toEqual(['hello bruno'])
    }),
  )
})

test('a server that is gone for good keeps the others waiting for a few seconds only', async ({ database }) => {
  await withoutMessages(database)
  await withSide(database, 'a', (a) =>
    withSide(database, 'b', (b) =>
      withSide(database, 'c', async (c) => {
        const mateo = await b.operator('Mateo', 2)
        const [ana, carla] = [await a.guest('ana'), await c.guest('carla')]
        await mateo.next('newChat', 2)
        expect(carla.clientId).not.toBe('')
        for (const side of [a, b, c]) side.away()
        for (const side of [a, b, c]) await untilLogged(side, 'adapter_lost')
        expect(await ana.ask('clientMessage', text('hello'))).toMatchObject({ queued: true })
        for (const side of [a, b]) side.back()
        expect(await mateo.next('incomingMessage')).toMatchObject({ message: 'hello' })
      }),
    ),
  )
})

for (const presence of ['connected', 'gone'] as const)
  test(`an answer to a guest who came to another server in the outage, and is ${presence} afterwards, is not lost`, async ({
    database,
  }) => {
    await withoutMessages(database)
    await withSide(database, 'a', (a) =>
      withSide(database, 'b', async (b) => {
        const lucia = await a.operator('Lucía', 1)
        for (const side of [a, b]) side.away()
        for (const side of [a, b]) await untilLogged(side, 'adapter_lost')
        const bruno = await b.guest('bruno')
        const answer = { ...text('hello bruno'), to: bruno.clientId }
        expect(await lucia.ask('operatorMessage', answer)).toMatchObject({ ok: true, queued: true })
        if (presence === 'gone') {
          bruno.socket.disconnect()
          await bruno.disconnected()
        }
        a.back()
        await untilLogged(a, 'journal_drained')
        expect(await lucia.next('messageSent')).toMatchObject({ messageId: 'hello bruno', to: bruno.clientId })
        b.back()
        if (presence === 'connected') {
          await bruno.next('operatorMessage')
          expect(messagesOf(bruno, 'operatorMessage')).toEqual(['hello bruno'])
        }
        await untilLogged(b, 'adapter_restored')
        const returned = await b.guest('bruno', { token: bruno.token })
        await until(async () => (await returned.ask('history', {})).ok, { what: 'the database is there again' })
        const { messages } = expectOk(await returned.ask('history', {}))
        expect(messages).toMatchObject([{ text: 'hello bruno' }])
        // What the guest writes next, and the answer, are one chat.
        expectOk(await returned.ask('clientMessage', text('hello')))
        const history = expectOk(await lucia.ask('history', { to: bruno.clientId }))
        expect(history.messages).toMatchObject([{ text: 'hello bruno' }, { text: 'hello', guestUsername: 'bruno' }])
      }),
    )
  })

test('an answer to a guest of whom only a server without the database knows is to be sent again, and arrives then', async ({
  database,
}) => {
  await withoutMessages(database)
  await withSide(database, 'a', (a) =>
    withSide(database, 'b', async (b) => {
      const mateo = await b.operator('Mateo', 2)
      a.away()
      await untilLogged(a, 'adapter_lost')
      const ana = await a.guest('ana')
      expect(await ana.ask('clientMessage', text('hello'))).toMatchObject({ ok: true, queued: true })
      const answerTo = (to: string | number) => mateo.ask('operatorMessage', { ...text(`answer ${to}`), to })
      for (const to of [ana.clientId, 'ana', 'name-ana'])
        expect(await answerTo(to)).toMatchObject({
          ok: false,
          error: { code: 'conversation_may_be_elsewhere', retryable: true },
        })
      expect(await mateo.ask('history', { to: ana.clientId })).toMatchObject({ error: { retryable: true } })
      expect(await answerTo(4711)).toMatchObject({ error: { code: 'unknown_conversation', retryable: false } })
      a.back()
      await mateo.next('incomingMessage')
      for (const to of [ana.clientId, 'ana', 'name-ana']) expectOk(await answerTo(to))
      await ana.next('operatorMessage', 3)
      expect(messagesOf(ana, 'operatorMessage')).toEqual([ana.clientId, 'ana', 'name-ana'].map((to) => `answer ${to}`))
    }),
  )
})
