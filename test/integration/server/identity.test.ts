import { describe, expect, test as databaseTest } from '../../support/database.js'
import { expectOk, SECRET, test, withChat, withoutMessages } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const UNAUTHORIZED = { ok: false, error: { code: 'unauthorized', retryable: false } }

describe('a guest', () => {
  test('gets a secret of 128 bits and a public name that does not tell it', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    const bruno = await chat.guest('bruno')
    expect(ana.token).toMatch(/^[\w-]{22}$/)
    expect(ana.token).not.toBe(bruno.token)
    expect(ana.clientId).not.toBe(bruno.clientId)
    await ana.ask('clientMessage', { type: 'text', message: 'hello' })
    await lucia.next('incomingMessage')
    const seen = JSON.stringify([lucia.received, await chat.database.query('SELECT * FROM "ChatMessage"')])
    expect(seen).toContain(ana.clientId)
    expect(seen).not.toContain(ana.token)
  })

  test('who comes back with its token goes on in its conversation, whatever name it gives', async ({ chat }) => {
    const ana = await chat.guest('ana')
    await ana.ask('clientMessage', { type: 'text', message: 'before' })
    ana.socket.disconnect()
    const back = await chat.guest('Ana María', { token: ana.token })
    expect(back).toMatchObject({ token: ana.token, clientId: ana.clientId })
    await back.ask('clientMessage', { type: 'text', message: 'after' })
    const { messages } = expectOk(await back.ask('history', {}))
    expect(messages).toMatchObject([
      { text: 'before', guestUsername: 'ana' },
      { text: 'after', guestUsername: 'Ana María' },
    ])
  })

  test('reads its own messages page by page, and no database ids or phones', async ({ chat }) => {
    const ana = await chat.guest('ana', { phone: '+34600' })
    for (const message of ['one', 'two', 'three']) {
      await ana.ask('clientMessage', { type: 'text', message, messageId: message })
    }
    const newest = expectOk(await ana.ask('history', { limit: 2 }))
    expect(newest.messages.map(({ messageId }) => messageId)).toEqual(['two', 'three'])
    expect(Object.keys(newest.messages[0] ?? {}).toSorted()).toEqual([
      'createdAt',
      'guestUsername',
      'id',
      'imageName',
      'imageUrl',
      'messageId',
      'messageType',
      'mimeType',
      'operatorName',
      'senderType',
      'text',
    ])
    const oldest = expectOk(await ana.ask('history', { limit: 2, before: newest.nextBefore }))
    expect(oldest).toMatchObject({ messages: [{ text: 'one' }], nextBefore: null })
  })

  test("under another guest's name reads nothing of theirs, however it asks", async ({ chat }) => {
    const ana = await chat.guest('ana')
    await ana.ask('clientMessage', { type: 'text', message: 'my secret' })
    const impostor = await chat.guest('ana')
    const [{ clientId } = {}] = await chat.database.query('SELECT "clientId" FROM "ChatMessage"')
    for (const request of [{}, { username: 'ana' }, { clientId }, { clientId: ana.clientId }]) {
      expect(await impostor.ask('history', request)).toEqual({ ok: true, messages: [], nextBefore: null })
    }
    // What is public, the conversation's name, is no token.
    const refused = await impostor.ask('join', { role: 'client', username: 'ana', token: ana.clientId })
    expect(refused).toMatchObject({ ok: false, error: { code: 'invalid_token' } })
    for (const event of ['recentChats', 'markRead', 'getConnectedOperators', 'operatorTyping', 'operatorMessage']) {
      const request = { to: ana.clientId, type: 'text', message: 'x', isTyping: true, username: 'ana' }
      expect(await impostor.ask(event, request)).toMatchObject({ ok: false, error: { code: 'forbidden' } })
    }
  })

  test("under a registered client's name is linked to the client for writing, and reads nothing", async ({ chat }) => {
    const [{ id: clientId } = {}] = await chat.database.query(`SELECT "id" FROM "Client" WHERE "username" = 'client7'`)
    await chat.database.query(
      `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text") VALUES ($1, 'CLIENT', 'TEXT', 'private')`,
      [clientId],
    )
    const guest = await chat.guest('client7')
    expectOk(await guest.ask('clientMessage', { type: 'text', message: 'It is me' }))
    expect((await guest.ask('history', { clientId, username: 'client7' })).messages).toMatchObject([
      { text: 'It is me' },
    ])
    expect(await chat.database.query(`SELECT "text", "clientId" FROM "ChatMessage" ORDER BY "id"`)).toEqual([
      { text: 'private', clientId },
      { text: 'It is me', clientId },
    ])
  })

  test('with a token that was never given out opens an empty conversation of its own', async ({ chat }) => {
    const ana = await chat.guest('ana')
    await ana.ask('clientMessage', { type: 'text', message: 'hello' })
    const stranger = await chat.guest('ana', { token: 'A'.repeat(22) })
    expect(stranger.clientId).not.toBe(ana.clientId)
    expect((await stranger.ask('history')).messages).toEqual([])
  })

  test('with a malformed token gets a named error, and can join without it', async ({ chat }) => {
    const peer = await chat.connect()
    const malformed = ['', 'short', 'x'.repeat(21), 'x'.repeat(23), `${'x'.repeat(21)}!`, 'null', 7, {}, [], true]
    for (const token of malformed) {
      const refused = await peer.ask('join', { role: 'client', username: 'ana', token })
      expect(refused).toMatchObject({ ok: false, error: { code: 'invalid_token', retryable: false } })
    }
    expectOk(await peer.ask('join', { role: 'client', username: 'ana', token: null }))
  })

  test('who joins again on the same socket keeps its conversation and takes the new name', async ({ chat }) => {
    const ana = await chat.guest('ana')
    const again = expectOk(await ana.ask('join', { role: 'client', username: 'Ana' }))
    expect(again).toMatchObject({ token: ana.token, clientId: ana.clientId })
    expectOk(await ana.ask('clientMessage', { type: 'text', message: 'hello' }))
    expect((await ana.ask('history')).messages).toMatchObject([{ guestUsername: 'Ana' }])
  })

  test('may have any name that can be stored', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const injection = `Robert'); DROP TABLE "Client";--`
    const names = ['__proto__', 'constructor', injection, '"', '\u0001\u001b[2J', '👩‍👩‍👧', '🙂'.repeat(255)]
    for (const [index, username] of names.entries()) {
      const guest = await chat.guest(username)
      expectOk(await guest.ask('clientMessage', { type: 'text', message: 'hello' }))
      expect(await lucia.next('newChat', index + 1)).toEqual({ clientId: guest.clientId, to: guest.clientId, username })
      expect((await lucia.ask('recentChats', { limit: 1 })).chats).toMatchObject([{ username }])
      expect((await lucia.ask('history', { username })).messages).toMatchObject([{ text: 'hello' }])
    }
  })

  test('may not be without a name, or have one that is too long', async ({ chat }) => {
    const peer = await chat.connect()
    for (const username of ['', ' \n', '🙂'.repeat(256), 7, null, {}, undefined]) {
      const refused = await peer.ask('join', { role: 'client', username })
      expect(refused).toMatchObject({ ok: false, error: { code: 'invalid_payload', retryable: false } })
    }
  })
})

test('a blank phone counts as absent, and one that is too long is refused at the join', async ({ chat }) => {
  for (const username of ['ana', 'bruno']) {
    const guest = await chat.guest(username, { phone: ' ' })
    expectOk(await guest.ask('clientMessage', { type: 'text', message: 'hello' }))
  }
  expect(await chat.database.query('SELECT DISTINCT "guestPhone" FROM "ChatMessage"')).toEqual([{ guestPhone: null }])
  const peer = await chat.connect()
  const refused = await peer.ask('join', { role: 'client', username: 'carla', phone: '1'.repeat(256) })
  expect(refused).toMatchObject({ ok: false, error: { code: 'invalid_payload' } })
})

describe('an operator', () => {
  databaseTest('with a wrong secret gets a named error and is disconnected', async ({ database }) => {
    await withoutMessages(database)
    await withChat(database, { trustProxy: 1 }, async (chat) => {
      const wrong = ['wrong', '', undefined, null, SECRET.toUpperCase(), `${SECRET} `, [SECRET], {}, 0, 'x'.repeat(1e5)]
      for (const [index, token] of wrong.entries()) {
        const peer = await chat.connect('websocket', { 'X-Forwarded-For': `198.51.100.${index}` })
        const refused = await peer.ask('join', { role: 'operator', name: 'Mallory', operatorId: 1, token })
        expect(refused).toMatchObject(UNAUTHORIZED)
        expect(await peer.disconnected()).toBe('io server disconnect')
      }
      const polling = await chat.connect('polling')
      expect(await polling.ask('join', { role: 'operator', name: 'Mallory', token: 'wrong' })).toMatchObject(
        UNAUTHORIZED,
      )
      await polling.disconnected()
      // The first at once, the others together at the end of the minute.
      expect(chat.log).toHaveLength(1)
      expect(chat.log.join()).not.toContain(SECRET)
    })
  })

  databaseTest('who keeps presenting wrong secrets has to wait, and nobody else has', async ({ database }) => {
    await withoutMessages(database)
    await withChat(database, { trustProxy: 1 }, async (chat) => {
      const joinFrom = async (address: string, token: string) => {
        const peer = await chat.connect('websocket', { 'X-Forwarded-For': address })
        return peer.ask('join', { role: 'operator', name: 'Lucía', token })
      }
      for (let n = 0; n < 5; n++) expect(await joinFrom('198.51.100.1', 'wrong')).toMatchObject(UNAUTHORIZED)
      const early = await joinFrom('198.51.100.1', SECRET)
      expect(early).toMatchObject({ ok: false, error: { code: 'rate_limited', retryable: true } })
      expect(early.error?.message).toBe('too many wrong operator secrets; wait 1 s and join again')
      expectOk(await joinFrom('198.51.100.2', SECRET))
      await until(async () => expectOk(await joinFrom('198.51.100.1', SECRET)), { what: 'the wait is over' })
    })
  })

  test('is refused once a connection, whatever else was sent with it', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    // Over HTTP many packets come in one request.
    const peer = await chat.connect('polling')
    const asked = Array.from({ length: 20 }, (_, n) =>
      peer
        .ask('join', { role: 'operator', name: 'Mallory', token: n === 1 ? SECRET : `wrong ${n}` })
        .catch(() => 'dropped'),
    )
    const [first, ...others] = await Promise.all(asked)
    expect(first).toMatchObject(UNAUTHORIZED)
    expect(new Set(others)).toEqual(new Set(['dropped']))
    expectOk(await lucia.ask('recentChats', {}))
    expect(lucia.all('operatorConnected')).toEqual([])
  })

  test('who is refused does nothing with the other packets of the same HTTP request', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const url = `http://127.0.0.1:${chat.server.port}/chat/?EIO=4&transport=polling`
    const opened = await (await fetch(url)).text()
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string }
    const post = async (...packets: readonly string[]): Promise<unknown> =>
      (await fetch(`${url}&sid=${sid}`, { method: 'POST', body: packets.join('\u001e') })).text()
    const poll = async (): Promise<readonly string[]> =>
      (await (await fetch(`${url}&sid=${sid}`)).text()).split('\u001e')
    await post('40')
    expect(await poll()).toEqual([expect.stringMatching(/^40/)])
    const join = (claim: object): string => JSON.stringify(['join', claim])
    await post(
      `420${join({ role: 'operator', name: 'Mallory', token: 'wrong' })}`,
      `421${join({ role: 'client', username: 'mallory' })}`,
      `422${join({ role: 'operator', name: 'Mallory', token: SECRET })}`,
      '423["recentChats",{}]',
    )
    const answers = await poll()
    expect(answers[0]).toMatch(/^430\[\{"ok":false,"error":\{"code":"unauthorized"/)
    // 41 ends the socket, 1 the connection.
    expect(answers.slice(1).filter((packet) => !['41', '1'].includes(packet))).toEqual([])
    expectOk(await lucia.ask('getConnectedOperators', {}))
    expect([...lucia.all('newChat'), ...lucia.all('operatorConnected')]).toEqual([])
  })

  test('cannot do what is for guests', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    for (const event of ['clientMessage', 'clientTyping', 'chatEnded']) {
      const answer = await lucia.ask(event, { type: 'text', message: 'x', isTyping: true })
      expect(answer).toMatchObject({ ok: false, error: { code: 'forbidden', retryable: false } })
    }
    expect(await chat.database.query('SELECT FROM "ChatMessage"')).toEqual([])
  })

  test('can write only where there is a conversation', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const mateo = await chat.operator('Mateo', 2)
    for (const to of ['nobody', mateo.socket.id, 'operators', '__proto__']) {
      const refused = await lucia.ask('operatorMessage', { to, type: 'text', message: 'hello?' })
      expect(refused).toMatchObject({ ok: false, error: { code: 'unknown_conversation', retryable: false } })
      const typing = await lucia.ask('operatorTyping', { to, isTyping: true })
      expect(typing).toMatchObject({ ok: false, error: { code: 'unknown_conversation' } })
    }
    expect(mateo.all('operatorTyping')).toEqual([])
    expect(await chat.database.query('SELECT FROM "ChatMessage"')).toEqual([])
  })

  test('who is not among the staff is kept without id, and shares no idempotency key with those who are', async ({
    chat,
  }) => {
    const somebody = await chat.operator('Somebody')
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    for (const operator of [somebody, lucia]) {
      const answer = { to: ana.clientId, type: 'text', message: 'same', messageId: 'm' }
      expect(await operator.ask('operatorMessage', answer)).toMatchObject({ ok: true, duplicate: false })
    }
    expect(await chat.database.query('SELECT "operatorId" FROM "ChatMessage" ORDER BY "id"')).toEqual([
      { operatorId: null },
      { operatorId: 1 },
    ])
    expectOk(await somebody.ask('markRead', { username: 'ana' }))
  })
})

for (const operatorSecret of [undefined, '']) {
  databaseTest(`without a secret (${JSON.stringify(operatorSecret)}) no operator can join`, async ({ database }) => {
    await withoutMessages(database)
    await withChat(database, { operatorSecret }, async (chat) => {
      for (const token of ['', undefined, 'undefined']) {
        const peer = await chat.connect()
        expect(await peer.ask('join', { role: 'operator', name: 'Lucía', token })).toMatchObject(UNAUTHORIZED)
        await peer.disconnected()
      }
      const ana = await chat.guest('ana')
      expectOk(await ana.ask('clientMessage', { type: 'text', message: 'hello' }))
    })
  })
}

databaseTest(
  'a refused operator is logged with the address, behind a proxy with that of the client',
  async ({ database }) => {
    await withoutMessages(database)
    await withChat(database, { trustProxy: 1 }, async (chat) => {
      const peer = await chat.connect('websocket', { 'X-Forwarded-For': '203.0.113.9, 198.51.100.1' })
      expect(await peer.ask('join', { role: 'operator', name: 'Mallory', token: 'guess' })).toMatchObject(UNAUTHORIZED)
      expect(chat.log.join('')).toContain('"event":"operator_refused","count":1,"addresses":"198.51.100.1"')
    })
  },
)
