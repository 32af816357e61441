import { io } from 'socket.io-client'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import {
  expectOk,
  rowIdOf,
  SECRET,
  whileBlocked,
  withChat,
  withoutMessages,
  type Peer,
  type TestChat,
} from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const GUEST = { role: 'client', username: 'ana' }
const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, number) => `m${number}`)
const send = ({ socket }: Pick<Peer, 'socket'>, text: string): unknown =>
  socket.emit('clientMessage', { type: 'text', message: text, messageId: text })

const textsIn = async (database: TestDatabase): Promise<readonly string[]> => {
  const rows = await database.query<{ text: string }>('SELECT "text" FROM "ChatMessage" ORDER BY "id"')
  return rows.map(({ text }) => text)
}
const untilStored = (database: TestDatabase, texts: readonly string[]): Promise<void> =>
  until(async () => expect(await textsIn(database)).toEqual(texts), { what: `${texts.length} messages are stored` })

const logged = ({ log }: TestChat, event: string): readonly unknown[] =>
  log.map((line) => JSON.parse(line) as { event: string }).filter((line) => line.event === event)

test('what is emitted without acknowledgement is refused by an event, and logged', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const ana = await chat.guest('ana')
    const { socket } = ana
    socket.emit('clientMessage', { message: 'x'.repeat(1_048_577), messageId: 'large' })
    socket.emit('clientMessage', { image: 'data:image/heic;base64,AAAA', messageId: 'heic' })
    socket.emit('clientMessage', { message: 'x', size: '12' })
    socket.emit('clientMessage', { message: 'x', messageId: 7 })
    socket.emit('recentChats')
    socket.emit('clientMesage', { message: 'x' })
    socket.emit('join', { role: 'client', username: 'ana', token: 'broken' })
    await ana.next('refused', 7)
    const told = ana.all('refused') as readonly { readonly event: string; readonly messageId?: string; code: string }[]
    const shown = told.map(({ event, messageId, code }) => [event, messageId, code].join(' '))
    expect(shown.sort()).toEqual([
      'clientMessage  invalid_payload',
      'clientMessage  invalid_payload',
      'clientMessage heic invalid_payload',
      'clientMessage large invalid_message',
      'join  invalid_token',
      'recentChats  forbidden',
      'unknown  unknown_event',
    ])
    // Who asked for an acknowledgement gets that alone.
    expect(await ana.ask('recentChats')).toMatchObject({ ok: false, error: { code: 'forbidden' } })
    expectOk(await ana.ask('history'))
    expect(ana.all('refused')).toHaveLength(7)
    const codes = logged(chat, 'event_refused').map((line) => (line as { readonly code: string }).code)
    expect(codes.sort()).toEqual(['forbidden', 'invalid_message', 'invalid_payload', 'invalid_token', 'unknown_event'])
  })
})

test('typing costs no message, and of what was typed before the join only the last counts', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { eventsPerSecond: 20 }, async (chat) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.connect()
    const type = (count: number): void => {
      for (let key = 1; key <= count; key += 1) ana.socket.emit('clientTyping', { isTyping: key < count })
    }
    for (const text of numbered(3)) {
      type(60)
      send(ana, text)
    }
    expectOk(await ana.ask('join', GUEST))
    await untilStored(database, numbered(3))
    await lucia.next('incomingMessage', 3)
    expect(lucia.all('clientTyping')).toMatchObject([{ isTyping: false }])
    type(100)
    send(ana, 'after 100 keys')
    await untilStored(database, [...numbered(3), 'after 100 keys'])
    expect(ana.all('refused')).toEqual([])
  })
})

test('a burst waits for the rate, in order, before the join and after it, also of a guest who has left', async ({
  database,
}) => {
  await withoutMessages(database)
  await withChat(database, { eventsPerSecond: 20 }, async (chat) => {
    const [early, late] = [numbered(90), numbered(150).slice(90)]
    const ana = await chat.connect()
    for (const text of early) send(ana, text)
    expectOk(await ana.ask('join', GUEST))
    for (const text of late) send(ana, text)
    await untilStored(database, [...early, ...late])
    expect(ana.all('refused')).toEqual([])
    const bruno = await chat.guest('bruno')
    for (const text of early) send(bruno, `b${text}`)
    await bruno.ask('clientTyping', { isTyping: false })
    bruno.socket.disconnect()
    await until(async () => expect(await textsIn(database)).toHaveLength(240), { what: 'all of Bruno' })
  })
})

test('of a flood each message is stored, or its sender told that it is not', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { eventsPerSecond: 20, maxHeldPerSocket: 10 }, async (chat) => {
    const ana = await chat.guest('ana')
    const flood = numbered(300)
    for (const text of flood) send(ana, text)
    const settled = async (): Promise<readonly string[]> => {
      const refused = ana.all('refused') as readonly { readonly messageId: string; readonly code: string }[]
      expect(refused.filter(({ code }) => code !== 'rate_limited')).toEqual([])
      return [...refused.map(({ messageId }) => messageId), ...(await textsIn(database))].sort()
    }
    await until(async () => expect(await settled()).toEqual([...flood].sort()), { what: 'all are settled' })
    expect((await textsIn(database)).length).toBeGreaterThanOrEqual(69)
    expect(logged(chat, 'event_refused')).toMatchObject([{ request: 'clientMessage', code: 'rate_limited' }])
  })
})

test('a join that is refused for good ends what waits for it with its reason, and another may follow', async ({
  database,
}) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const ana = await chat.connect()
    send(ana, 'my question')
    ana.socket.emit('join', { ...GUEST, phone: 34600111222 })
    await ana.next('refused', 2)
    expect(ana.all('refused')).toMatchObject([
      { event: 'join', code: 'invalid_payload', retryable: false },
      {
        ...{ event: 'clientMessage', messageId: 'my question', code: 'invalid_payload', retryable: false },
        message: expect.stringMatching(/^the join was refused: .*phone must be a string/) as string,
      },
    ])
    expectOk(await ana.ask('join', { ...GUEST, phone: '34600111222' }))
    send(ana, 'my question')
    await untilStored(database, ['my question'])
    expect(logged(chat, 'never_joined')).toMatchObject([
      { events: 1, reason: expect.stringContaining('phone') as string },
    ])
  })
})

test('what waits for a join that may succeed later goes on waiting for it', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { maxConnections: 1, joinTimeoutMs: 2_000 }, async (chat) => {
    const ana = await chat.guest('ana')
    const bruno = await chat.connect()
    send(bruno, 'broken token')
    bruno.socket.emit('join', { role: 'client', username: 'bruno', token: 'broken' })
    expect(await bruno.next('refused')).toMatchObject({ event: 'join', code: 'invalid_token' })
    const join = (peer: Peer): unknown => peer.socket.emit('join', { role: 'client', username: 'bruno' })
    join(bruno)
    expect(await bruno.next('refused', 2)).toMatchObject({
      event: 'join',
      code: 'too_many_connections',
      retryable: true,
    })
    ana.socket.disconnect()
    await until(
      () => {
        join(bruno)
        return bruno.all('joined').length > 0
      },
      { what: 'there is a place for Bruno', intervalMs: 100 },
    )
    await untilStored(database, ['broken token'])
    const carla = await chat.connect()
    send(carla, 'no place')
    join(carla)
    await carla.disconnected()
    expect(carla.all('refused')).toMatchObject([
      { event: 'join', code: 'too_many_connections' },
      { code: 'too_many_connections', retryable: true },
      {
        event: 'clientMessage',
        code: 'not_joined',
        message: expect.stringContaining('too_many_connections') as string,
      },
    ])
  })
})

test('a widget with a bad token in the handshake joins again without it, and loses nothing', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const auth = { ...GUEST, token: 'broken' }
    const socket = io(`http://127.0.0.1:${chat.server.port}`, { path: '/chat', forceNew: true, auth })
    try {
      socket.on('refused', ({ event, code }: { readonly event: string; readonly code: string }) => {
        if (event === 'join' && code === 'invalid_token') socket.emit('join', GUEST)
      })
      socket.emit('clientMessage', { message: 'written before the token was known to be bad' })
      await untilStored(database, ['written before the token was known to be bad'])
    } finally {
      socket.disconnect()
    }
  })
})

test('a client that finds no place to connect keeps what it buffered for its next attempt', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { maxUnjoined: 1 }, async (chat) => {
    const idle = await chat.connect()
    const socket = io(`http://127.0.0.1:${chat.server.port}`, { path: '/chat', forceNew: true })
    try {
      socket.on('connect', () => socket.emit('join', GUEST))
      const refused = new Promise((resolve) => socket.once('connect_error', resolve))
      socket.emit('clientMessage', { message: 'patient' })
      expect(await refused).toMatchObject({ data: { code: 'too_many_connections', retryable: true } })
      // Socket.IO does not try again by itself after a refusal.
      expect(socket.active).toBe(false)
      idle.socket.disconnect()
      await until(
        () => {
          if (!socket.active) socket.connect()
          return socket.connected
        },
        { what: 'connected', intervalMs: 100 },
      )
      await untilStored(database, ['patient'])
    } finally {
      socket.disconnect()
    }
  })
})

test('an operator without token and acknowledgement is told why the connection ends, and what waited as well', async ({
  database,
}) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const lucia = await chat.connect()
    lucia.socket.emit('operatorMessage', { to: 'ana', message: 'hello', messageId: 'p1' })
    lucia.socket.emit('join', { role: 'operator', name: 'Lucía' })
    await lucia.disconnected()
    const told = lucia.all('refused') as readonly { readonly event: string }[]
    expect([...told].sort((one, other) => one.event.localeCompare(other.event))).toMatchObject([
      { event: 'join', code: 'unauthorized', retryable: false },
      { event: 'operatorMessage', messageId: 'p1', code: 'unauthorized', retryable: false },
    ])
  })
})

test('an outage is waited out once for all requests of a socket, and each is refused', async ({ database }) => {
  await withoutMessages(database)
  const store = createChatStore({ databaseUrl: database.url }, { deadlineMs: 2_000 })
  await withChat(database, { store }, async (chat) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    const bruno = await chat.guest('bruno')
    await whileBlocked(database, async () => {
      // One after another they would take longer than the twelfth waits for its answer.
      const asked = numbered(12).map((text) => ana.ask('clientMessage', { message: text, messageId: text }))
      for (const text of numbered(3)) send(bruno, text)
      const ended = ana.ask('endChat', {})
      for (const ack of await Promise.all(asked))
        expect(ack).toMatchObject({ error: { code: 'database_unavailable', retryable: true } })
      expectOk(await ended)
      await bruno.next('refused', 3)
      expect(bruno.all('refused')).toMatchObject(
        numbered(3).map((messageId) => ({ event: 'clientMessage', messageId, code: 'database_unavailable' })),
      )
    })
    for (const text of numbered(12)) expectOk(await ana.ask('clientMessage', { message: text, messageId: text }))
    expect(await database.query(`SELECT FROM "ChatMessage" WHERE "guestUsername" = 'ana'`)).toHaveLength(12)
    expect(await lucia.next('chatEnded')).toMatchObject({ clientId: ana.clientId })
  })
})

test('a conflict of keys tells nobody the number of a row', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const ana = await chat.guest('ana')
    const sent = expectOk(await ana.ask('clientMessage', { message: 'one', messageId: 'k' }))
    const { error } = await ana.ask('clientMessage', { message: 'two', messageId: 'k' })
    expect(error).toMatchObject({ code: 'idempotency_conflict', retryable: false })
    expect(error?.message).not.toContain(String(rowIdOf(sent)))
  })
})

test('a guest who joins in the handshake and by the event comes once', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const lucia = await chat.operator('Lucía', 1)
    const auth = { ...GUEST, phone: '1' }
    const socket = io(`http://127.0.0.1:${chat.server.port}`, { path: '/chat', forceNew: true, auth })
    try {
      await socket.timeout(15_000).emitWithAck('join', auth)
      await socket.timeout(15_000).emitWithAck('clientMessage', { message: 'x' })
      await lucia.next('incomingMessage')
      expect(lucia.all('newChat')).toHaveLength(1)
      await socket.timeout(15_000).emitWithAck('join', { ...GUEST, phone: '2' })
      expect(await lucia.next('newChat', 2)).toMatchObject({ phone: '2' })
    } finally {
      socket.disconnect()
    }
  })
})

test('an operator who ends a chat with an empty text says the usual one', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const [ana, lucia] = [await chat.guest('ana'), await chat.connect()]
    expectOk(await lucia.ask('join', { role: 'operator', name: 'Lucía', token: SECRET }))
    expectOk(await lucia.ask('endChat', { clientId: ana.clientId, message: '' }))
    expect(await ana.next('chatEnded')).toEqual({ message: 'The operator has ended the chat.' })
  })
})

test('a refusal names the fields of the event, and what is wrong with a name', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { maxMessageBytes: 2_000 }, async (chat) => {
    const ana = await chat.guest('ana')
    const image = 'data:image/png;base64,AAAA'
    const wrong: readonly (readonly [payload: object, reason: string])[] = [
      [{}, 'the payload of clientMessage is invalid: message is missing'],
      [{ message: '' }, 'message is empty'],
      [{ image: '' }, 'image is empty'],
      [{ message: 'x'.repeat(2_001) }, 'message is larger than 2000 bytes (maxMessageBytes): it has 2001'],
      [{ image: image.padEnd(2_001, 'A') }, 'image is larger than 2000 bytes (maxMessageBytes): it has 2001'],
      [{ image, name: 'Screenshot 10:22.png' }, 'name has ":", which is not allowed in it'],
      [{ image, name: 'a.png ' }, 'name has " ", which is not allowed at its end'],
      [{ image, name: 'a\u202e.png' }, 'name has the character U+202E, which is not allowed in it'],
      [{ image, name: 'a.svg' }, 'name is not that of a PNG, JPEG, GIF or WebP image'],
    ]
    for (const [payload, reason] of wrong) {
      const { error } = await ana.ask('clientMessage', payload)
      expect(error?.message.endsWith(reason), `${reason}: ${error?.message}`).toBe(true)
    }
    const lucia = await chat.operator('Lucía', 1)
    expect(await lucia.ask('endChat', { clientId: 'a', to: 'b' })).toMatchObject({
      error: { code: 'invalid_contact', message: expect.stringContaining('given: to, clientId') as string },
    })
  })
})
