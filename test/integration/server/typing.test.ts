import type { Socket } from 'socket.io-client'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { expectOk, withChat, withoutMessages, type Peer } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'
import { withWidget } from '../../support/widget.js'

const LIMITS = { eventsPerSecond: 20 }

const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, number) => `m${number}`)

/** Every key is an event of its own, as a widget with a typing indicator sends it. */
const write = (socket: Socket, text: string, keys: number): void => {
  for (let key = 0; key < keys; key += 1) socket.emit('clientTyping', { isTyping: true })
  socket.emit('clientMessage', { message: text, messageId: text })
}

const untilStored = (database: TestDatabase, texts: readonly string[]): Promise<void> =>
  until(
    async () => {
      const rows = await database.query<{ text: string }>('SELECT "text" FROM "ChatMessage" ORDER BY "id"')
      expect(rows.map(({ text }) => text)).toEqual(texts)
    },
    { what: `${texts.length} messages are stored` },
  )

for (const transport of ['websocket', 'polling'] as const)
  for (const [messages, keys] of [
    [1, 5_000],
    [100, 40],
  ] as const)
    test(`a stock widget loses nothing of ${messages} x ${keys} keys that it buffered, by ${transport}`, async ({
      database,
    }) => {
      await withoutMessages(database)
      const [texts, refused]: [readonly string[], unknown[]] = [numbered(messages), []]
      await withChat(database, LIMITS, async ({ server }) => {
        await withWidget(server.port, { transport }, async ({ socket }) => {
          socket.on('refused', (refusal) => refused.push(refusal))
          await server.close()
          await until(() => !socket.connected, { what: 'the widget has noticed' })
          for (const text of texts) write(socket, text, keys)
          await withChat(database, { ...LIMITS, port: server.port }, () => untilStored(database, texts))
        })
      })
      expect(refused).toEqual([])
    })

test('a join is not refused because of what was sent before it, also not the second', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { ...LIMITS, maxPendingPerSocket: 50 }, async (chat) => {
    const ana = await chat.connect('polling')
    // Far more than may wait, and than may be refused in a second.
    const texts = numbered(300)
    for (const text of texts) write(ana.socket, text, 5)
    for (let count = 0; count < 100; count += 1) ana.socket.emit('seen', { page: count })
    const join = { role: 'client', username: 'ana' }
    expect(await ana.ask('join', { ...join, token: 'broken' })).toMatchObject({ error: { code: 'invalid_token' } })
    expectOk(await ana.ask('join', join))
    await untilStored(database, texts.slice(0, 50))
  })
})

/** The events that came to a peer, without who typed or wrote. */
const seenBy = ({ received }: Peer, ...events: readonly string[]): readonly unknown[] =>
  received
    .filter(({ event }) => events.includes(event))
    .map(({ payload }) => {
      const { isTyping, message } = payload as { readonly isTyping?: boolean; readonly message?: string }
      return message ?? isTyping
    })

for (const burst of [70, 500])
  test(`of a burst of ${burst} the last state of each chat comes last, from guests and operators`, async ({
    database,
  }) => {
    await withoutMessages(database)
    await withChat(database, LIMITS, async (chat) => {
      const lucia = await chat.operator('Lucía', 1)
      const guests = [await chat.guest('ana'), await chat.guest('bruno')]
      const [ana] = guests
      const acks: Promise<{ readonly ok: boolean }>[] = []
      const type = (peer: Peer, event: string, payload: object): void => {
        for (let key = 1; key <= burst; key += 1) acks.push(peer.ask(event, { ...payload, isTyping: key < burst }))
      }
      for (const guest of guests) type(guest, 'clientTyping', {})
      // By name, so that each has to be looked up.
      for (const to of ['ana', 'bruno']) type(lucia, 'operatorTyping', { to })
      expect((await Promise.all(acks)).filter(({ ok }) => !ok)).toEqual([])
      for (const guest of guests) {
        const from = guest.clientId
        const states = (lucia.all('clientTyping') as readonly { from: string; isTyping: boolean }[]).filter(
          (typing) => typing.from === from,
        )
        expect(states.at(-1)).toMatchObject({ isTyping: false })
        expect(seenBy(guest, 'operatorTyping').at(-1)).toBe(false)
      }
      // Neither late nor after what it led to.
      for (let key = 1; key <= burst; key += 1) ana?.socket.emit('clientTyping', { isTyping: key === burst })
      ana?.socket.emit('clientMessage', { message: 'sent' })
      await lucia.next('incomingMessage')
      await ana?.ask('history')
      await lucia.ask('getConnectedOperators')
      expect(seenBy(lucia, 'clientTyping', 'incomingMessage').slice(-2)).toEqual([true, 'sent'])
    })
  })
