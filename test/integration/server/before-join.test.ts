import { io } from 'socket.io-client'
import { expect, test as databaseTest } from '../../support/database.js'
import {
  expectOk,
  SECRET,
  test,
  withChat,
  withoutMessages,
  type Ack,
  type TestChat,
} from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const EVENTS = ['clientMessage', 'clientTyping', 'chatEnded', 'history', 'operatorMessage', 'operatorTyping']
const OF_OPERATORS = ['getConnectedOperators', 'recentChats', 'markRead']
const REQUEST = { to: 'x', type: 'text', message: 'x', isTyping: true, username: 'ana' }
const NOT_JOINED = { ok: false, error: { code: 'not_joined', retryable: true } }

const text = (message: string) => ({ type: 'text', message, messageId: message.slice(0, 9) })

const textsIn = async ({ database }: Pick<TestChat, 'database'>): Promise<readonly string[]> => {
  const rows = await database.query<{ text: string }>('SELECT "text" FROM "ChatMessage" ORDER BY "id"')
  return rows.map((row) => row.text)
}

for (const transport of ['websocket', 'polling'] as const) {
  test(`what is sent before the join waits for it, in order, by ${transport}`, async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const peer = await chat.connect(transport)
    // With polling all of it arrives in one HTTP request.
    const answers = await Promise.all([
      ...['1', '2'].map((message) => peer.ask('clientMessage', text(message))),
      peer.ask('join', { role: 'client', username: '' }),
      peer.ask('clientMessage', text('3')),
      peer.ask('history'),
      peer.ask('join', { role: 'client', username: 'ana' }),
      peer.ask('clientMessage', text('4')),
      peer.ask('clientMessage', { type: 'text', message: '' }),
    ])
    expect(answers.map(({ ok, error }) => (ok ? 'ok' : error?.code))).toEqual([
      ...['ok', 'ok', 'invalid_payload', 'ok', 'ok', 'ok', 'ok', 'invalid_message'],
    ])
    expect(answers[4].messages).toMatchObject([{ text: '1' }, { text: '2' }, { text: '3' }])
    expect(await textsIn(chat)).toEqual(['1', '2', '3', '4'])
    await lucia.next('incomingMessage', 4)
    expect(lucia.received.map(({ event }) => event)).toEqual(['newChat', ...Array<string>(4).fill('incomingMessage')])
  })
}

test("an operator's events wait for the join, and are dropped when it is refused", async ({ chat }) => {
  const ana = await chat.guest('ana')
  const join = (token: string) => ({ role: 'operator', name: 'Lucía', operatorId: 1, token })
  const answer = { to: ana.clientId, type: 'text', message: 'hello' }
  const [lucia, mallory] = [await chat.connect(), await chat.connect()]
  const sent = lucia.ask('operatorMessage', answer)
  expectOk(await lucia.ask('join', join(SECRET)))
  expectOk(await sent)
  mallory.socket.emit('operatorMessage', answer)
  expect(await mallory.ask('join', join('wrong'))).toMatchObject({ ok: false, error: { code: 'unauthorized' } })
  await mallory.disconnected()
  expect(await textsIn(chat)).toEqual(['hello'])
})

databaseTest('what waits for a join is bounded, and logged beyond that', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { maxHeldPerSocket: 2, maxHeldCharacters: 1_000 }, async (chat) => {
    const [ana, bruno] = [await chat.connect(), await chat.connect()]
    const send = (peer: typeof ana, message: string) => peer.ask('clientMessage', text(message))
    const held = [send(ana, '1'), send(ana, '2')]
    expect(await send(ana, '3')).toMatchObject(NOT_JOINED)
    expect(await send(bruno, 'x'.repeat(990))).toMatchObject(NOT_JOINED)
    for (const peer of [ana, bruno]) expectOk(await peer.ask('join', { role: 'client', username: 'ana' }))
    expectOk(await send(ana, '3'))
    ;(await Promise.all(held)).forEach(expectOk)
    // One that is alone fits, however large.
    const carla = await chat.connect()
    const alone = send(carla, 'y'.repeat(1_000))
    expectOk(await carla.ask('join', { role: 'client', username: 'carla' }))
    expectOk(await alone)
    expect(await textsIn(chat)).toEqual(['1', '2', '3', 'y'.repeat(1_000)])
    expect(chat.log.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'warn', event: 'not_joined', limit: '--max-held-per-socket' },
    ])
  })
})

databaseTest('a burst before the join is refused as not_joined, however many there are', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { eventsPerSecond: 20 }, async (chat) => {
    const ana = await chat.connect()
    const asked = Array.from({ length: 250 }, (_, n) => ana.ask('clientMessage', text(`${n}`)))
    for (const refused of await Promise.all(asked.slice(100))) expect(refused).toMatchObject(NOT_JOINED)
    ana.socket.disconnect()
    await Promise.allSettled(asked)
  })
})

databaseTest('what waits for a join that does not come is refused, and logged', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { joinTimeoutMs: 1_000 }, async (chat) => {
    for (const transport of ['websocket', 'polling'] as const) {
      const peer = await chat.connect(transport)
      const answers = await Promise.all([...EVENTS, ...OF_OPERATORS].map((event) => peer.ask(event, REQUEST)))
      for (const answer of answers) expect(answer).toMatchObject(NOT_JOINED)
      expect(await peer.next('refused')).toMatchObject({ code: 'join_timeout' })
      await peer.disconnected()
    }
    expect(await textsIn(chat)).toEqual([])
    expect(chat.log.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'warn', event: 'never_joined', events: 9 },
    ])
  })
})

databaseTest('a stock client loses nothing that was written while the server restarted', async ({ database }) => {
  await withoutMessages(database)
  let port = 0
  const acks: Ack[] = []
  const written = async (chat: TestChat, messages: readonly string[]): Promise<void> => {
    await until(async () => expect(await textsIn(chat)).toEqual(messages), { what: `stored: ${messages.join(' ')}` })
  }
  await withChat(database, {}, ({ server }) => {
    port = server.port
    return Promise.resolve()
  })
  const socket = io(`http://127.0.0.1:${port}`, { path: '/chat', reconnectionDelay: 50, reconnectionDelayMax: 100 })
  try {
    socket.on('connect', () => socket.emit('join', { role: 'client', username: 'ana' }))
    const write = (message: string) => socket.emit('clientMessage', text(message), (ack: Ack) => acks.push(ack))
    await withChat(database, { port }, async (chat) => {
      write('before')
      await written(chat, ['before'])
    })
    await until(() => !socket.connected, { what: 'the client has noticed' })
    for (const message of ['1', '2', '3']) write(message)
    await withChat(database, { port }, (chat) => written(chat, ['before', '1', '2', '3']))
    expect(acks.map(({ ok }) => ok)).toEqual([true, true, true, true])
    expect(await database.query('SELECT DISTINCT "sessionId" FROM "ChatMessage"')).toHaveLength(1)
  } finally {
    socket.disconnect()
  }
})

databaseTest('a server that stops refuses what waits for a join that does not come', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, {}, async (chat) => {
    const peer = await chat.connect()
    const waiting = peer.ask('clientMessage', text('early'))
    expectOk(await (await chat.guest('ana')).ask('history'))
    await chat.server.close()
    expect(await waiting).toMatchObject(NOT_JOINED)
    expect(chat.log.join()).not.toContain('drain_incomplete')
  })
})
