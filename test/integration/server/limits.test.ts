import { connect as connectTcp } from 'node:net'
import { expect, test } from '../../support/database.js'
import {
  expectOk,
  imageOf,
  SECRET,
  withChat,
  withoutMessages,
  whileBlocked,
  untilWaiting,
} from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

test('a socket that sends too fast is refused by name, and goes on', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { eventsPerSecond: 20, maxHeldPerSocket: 0 }, async (chat) => {
    const ana = await chat.guest('ana')
    const acks = await Promise.all(Array.from({ length: 100 }, () => ana.ask('endChat', {})))
    const refused = acks.filter(({ ok }) => !ok)
    // Sixty at once, and those for which the time was enough meanwhile.
    expect(refused.length).toBeGreaterThan(20)
    expect(refused.length).toBeLessThanOrEqual(40)
    expect(refused[0]).toMatchObject({ error: { code: 'rate_limited', retryable: true } })
    const bruno = await chat.guest('bruno')
    expectOk(await bruno.ask('clientMessage', { type: 'text', message: 'not his doing' }))
    await until(async () => expectOk(await ana.ask('clientMessage', { type: 'text', message: 'slower' })), {
      what: 'a message is taken again',
    })
  })
})

test('what waits is bounded, for one socket and for all together', async ({ database }) => {
  await withoutMessages(database)
  const limits = { maxPendingPerSocket: 10, maxPendingCharacters: 1_000 }
  await withChat(database, limits, async (chat) => {
    const ana = await chat.guest('ana')
    const bruno = await chat.guest('bruno')
    const send = (guest: typeof ana, message: string) => guest.ask('clientMessage', { type: 'text', message })
    await whileBlocked(database, async (release) => {
      const first = Array.from({ length: 10 }, () => send(ana, 'x'))
      await untilWaiting(database, 1)
      expect(await send(ana, 'x')).toMatchObject({ error: { code: 'too_many_pending', retryable: true } })
      const large = await send(bruno, 'x'.repeat(995))
      expect(large).toMatchObject({ error: { code: 'too_many_pending', retryable: true } })
      await release()
      ;(await Promise.all(first)).forEach(expectOk)
    })
    expectOk(await send(ana, 'again'))
    expectOk(await send(bruno, 'x'.repeat(995)))
    // One that is alone fits, however large.
    expectOk(await send(bruno, 'x'.repeat(5_000)))
  })
})

test('a socket that never joins gets the reason before it is ended, and one that joined stays', async ({
  database,
}) => {
  await withChat(database, { joinTimeoutMs: 150 }, async (chat) => {
    const ana = await chat.guest('ana')
    const idle = await chat.connect()
    // Not 'io server disconnect', after which a page would not come back by itself.
    expect(await idle.disconnected()).toBe('transport close')
    expect(idle.all('refused')).toMatchObject([{ code: 'join_timeout', retryable: true }])
    expect(ana.socket.connected).toBe(true)
  })
})

test('a page that would be too large has fewer messages, and the next begins where it ends', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const ana = await chat.guest('ana')
    const image = imageOf(1_000_000)
    for (let messageId = 1; messageId <= 10; messageId += 1) {
      const content = messageId === 7 ? { type: 'text', message: 'small' } : { type: 'image', image }
      expectOk(await ana.ask('clientMessage', { ...content, messageId: String(messageId) }))
    }
    const pages: unknown[] = []
    for (let before: string | null | undefined; before !== null;) {
      const page = expectOk(await ana.ask('history', { limit: 200, before }))
      pages.push(page.messages.map(({ messageId }) => Number(messageId)))
      before = page.nextBefore
    }
    expect(pages).toEqual([[6, 7, 8, 9, 10], [2, 3, 4, 5], [1]])
    const others = await Promise.all(Array.from({ length: 5 }, (_, number) => chat.guest(`guest ${number}`)))
    for (const other of others) expectOk(await other.ask('clientMessage', { type: 'image', image }))
    const lucia = await chat.operator('Lucía', 1)
    const first = expectOk(await lucia.ask('recentChats', { limit: 200 }))
    const second = expectOk(await lucia.ask('recentChats', { limit: 200, before: first.nextBefore }))
    expect([first, second].map(({ chats }) => chats.map(({ username }) => username))).toEqual([
      ['guest 4', 'guest 3', 'guest 2', 'guest 1'],
      ['guest 0', 'ana'],
    ])
    expect(second.nextBefore).toBeNull()
  })
})

test('an operator who does not read is disconnected before memory fills, and delays no other', async ({ database }) => {
  await withoutMessages(database)
  const maxUnreadCharacters = 2 * 1_048_576
  await withChat(database, { maxUnreadCharacters }, async (chat) => {
    const lucia = await chat.operator('Lucía', 1)
    const deaf = await openDeafOperator(chat.server.port)
    const areBothListed = async (): Promise<void> => {
      await lucia.ask('getConnectedOperators')
      expect(lucia.all('connectedOperatorsList').at(-1)).toHaveLength(2)
    }
    await until(areBothListed, { what: 'both operators are listed' })
    const ana = await chat.guest('ana')
    const image = imageOf(1_000_000)
    const isEnded = (): boolean => chat.log.some((line) => line.includes('"event":"slow_reader"'))
    let heldFor = 0
    while (!isEnded() && heldFor < 30) {
      heldFor += 1
      expectOk(await ana.ask('clientMessage', { type: 'image', image }))
    }
    // Two and one over, what is being sent, and what the network took.
    expect(heldFor).toBeLessThan(15)
    expect(await lucia.next('incomingMessage', heldFor)).toMatchObject({ from: ana.clientId })
    expect(await lucia.next('operatorDisconnected')).toEqual({ operatorId: 2, name: 'Deaf' })
    deaf.destroy()
  })
})

/** An operator over a bare WebSocket that joins and then never reads again. */
const openDeafOperator = async (port: number) => {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => undefined)
  const said = (): Promise<unknown> => new Promise((resolve) => socket.once('data', resolve))
  socket.write(
    'GET /chat/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await said()
  socket.write(frame('40'))
  await said()
  const join = { role: 'operator', name: 'Deaf', operatorId: 2, token: SECRET }
  socket.write(frame(`42${JSON.stringify(['join', join])}`))
  socket.pause()
  return socket
}

/** A text frame of a client, masked with nothing. */
const frame = (text: string): Buffer => {
  const payload = Buffer.from(text)
  const head =
    payload.length < 126 ? [0x81, 0x80 | payload.length] : [0x81, 0xfe, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload])
}
