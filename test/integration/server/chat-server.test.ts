import { describe, expect, test as databaseTest } from '../../support/database.js'
import {
  whileBlocked,
  expectOk,
  rowIdOf,
  test,
  type Ack,
  untilWaiting,
  withChat,
  withoutMessages,
} from '../../support/socket-chat.js'

const PIXEL = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='

const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string

describe('two guests and two operators', () => {
  test('every guest is announced to every operator, and what it writes reaches them all', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const mateo = await chat.operator('Mateo', 2)
    const ana = await chat.guest('ana')
    const bruno = await chat.guest('bruno')

    const sent = expectOk(await ana.ask('clientMessage', { type: 'text', message: '¿Hola?', messageId: 'one' }))

    expect(sent).toEqual({ ok: true, id: expect.any(String) as string, messageId: 'one', duplicate: false })
    for (const operator of [lucia, mateo]) {
      const message = await operator.next('incomingMessage')
      expect(message).toEqual({
        from: ana.clientId,
        to: ana.clientId,
        type: 'text',
        message: '¿Hola?',
        id: rowIdOf(sent),
        messageId: 'one',
        timestamp,
        guestUnverified: false,
      })
      expect(operator.all('newChat')).toEqual([
        { clientId: ana.clientId, to: ana.clientId, username: 'ana' },
        { clientId: bruno.clientId, to: bruno.clientId, username: 'bruno' },
      ])
    }
    expect(bruno.received).toEqual([])
  })

  test("an operator's answer reaches its guest alone, and the other operators learn who gave it", async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const mateo = await chat.operator('Mateo', 2)
    const ana = await chat.guest('ana')
    const bruno = await chat.guest('bruno')
    await ana.ask('clientMessage', { type: 'text', message: 'hello' })

    const answer = { to: ana.clientId, type: 'text', message: 'Hello Ana', operatorId: 99, operatorName: 'An impostor' }
    const { id, messageId } = expectOk(await lucia.ask('operatorMessage', answer))

    const message = (await ana.next('operatorMessage')) as Pick<Ack, 'id'>
    expect(rowIdOf(message)).toBe(id)
    expect(message).toEqual({
      from: ana.clientId,
      type: 'text',
      message: 'Hello Ana',
      operatorName: 'Lucía',
      id: message.id,
      timestamp,
    })
    expect(await ana.next('incomingOperatorMessage')).toEqual(message)
    const broadcast = await mateo.next('operatorBroadcast')
    expect(broadcast).toMatchObject({ clientId: ana.clientId, operatorId: 1, operatorName: 'Lucía', id, messageId })
    expect(lucia.all('operatorBroadcast')).toEqual([])
    expect(bruno.received).toEqual([])
    const rows = await chat.database.query(
      `SELECT m."senderType", m."operatorId", m."sessionId", m."guestUsername", c."username"
       FROM "ChatMessage" m LEFT JOIN "Client" c ON c."id" = m."clientId" ORDER BY m."id"`,
    )
    const ofAna = { sessionId: ana.clientId, guestUsername: 'ana', username: 'ana' }
    expect(rows).toEqual([
      { senderType: 'CLIENT', operatorId: null, ...ofAna },
      { senderType: 'OPERATOR', operatorId: 1, ...ofAna },
    ])
  })

  test('an operator can be the first to write', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana', { phone: '+34600000001' })
    expectOk(await lucia.ask('operatorMessage', { to: ana.clientId, type: 'text', message: 'May I help?' }))
    expect(await ana.next('operatorMessage')).toMatchObject({ message: 'May I help?' })
    const messages = await chat.database.query(
      'SELECT "clientId" IS NOT NULL AS "linked", "guestPhone" FROM "ChatMessage"',
    )
    expect(messages).toEqual([{ linked: true, guestPhone: '+34600000001' }])
  })

  test('operators are told when a guest writes under the name of a registered client', async ({ chat }) => {
    await chat.database.query(`INSERT INTO "Client" ("username", "updatedAt") VALUES ('registered', now())`)
    const lucia = await chat.operator('Lucía', 1)
    for (const [index, username] of ['registered', 'ana'].entries()) {
      const guestUnverified = username === 'registered'
      const guest = await chat.guest(username, { phone: '+1' })
      expectOk(await guest.ask('clientMessage', { type: 'text', message: username }))
      expect(await lucia.next('incomingMessage', index + 1)).toMatchObject({ message: username, guestUnverified })
      const phone = guestUnverified ? null : '+1'
      const { chats } = expectOk(await lucia.ask('recentChats', { limit: 1 }))
      expect(chats).toMatchObject([{ username, phone, guestUnverified }])
    }
  })

  test('all tabs of a guest get the answer, and are one chat to the operators', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const tab = await chat.guest('ana')
    const otherTab = await chat.guest('ana', { token: tab.token })
    await lucia.ask('operatorMessage', { to: tab.clientId, type: 'text', message: 'Hello' })
    expect(await tab.next('operatorMessage')).toEqual(await otherTab.next('operatorMessage'))
    expect(lucia.all('newChat')).toHaveLength(1)
  })

  test('an image goes over the wire and into the database whole', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    const image = {
      type: 'image',
      image: PIXEL,
      name: 'pixel.gif',
      mimeType: 'image/gif',
      size: 43,
      messageId: 'pixel',
    }
    const id = rowIdOf(expectOk(await ana.ask('clientMessage', image)))
    expect(await lucia.next('incomingMessage')).toEqual({
      from: ana.clientId,
      to: ana.clientId,
      ...image,
      id,
      timestamp,
      guestUnverified: false,
    })
    expect(
      await chat.database.query('SELECT "messageType", "imageUrl", "imageName", "mimeType" FROM "ChatMessage"'),
    ).toEqual([{ messageType: 'IMAGE', imageUrl: PIXEL, imageName: 'pixel.gif', mimeType: 'image/gif' }])
  })

  test('typing is seen by the other side only, and stored nowhere', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    const bruno = await chat.guest('bruno')
    expectOk(await ana.ask('clientTyping', { isTyping: true }))
    expectOk(await lucia.ask('operatorTyping', { to: ana.clientId, isTyping: false }))
    expect(await lucia.next('clientTyping')).toEqual({ from: ana.clientId, to: ana.clientId, isTyping: true })
    expect(await ana.next('operatorTyping')).toEqual({ isTyping: false })
    expectOk(await bruno.ask('history', {}))
    expect(bruno.received).toEqual([])
    expect(ana.all('clientTyping')).toEqual([])
    expect(await chat.database.query('SELECT FROM "ChatMessage"')).toEqual([])
  })

  test('the end of a chat reaches the operators after the last message of it', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    ana.socket.emit('clientMessage', { type: 'text', message: 'bye' })
    ana.socket.emit('chatEnded')
    expect(await lucia.next('chatEnded')).toEqual({ clientId: ana.clientId, to: ana.clientId })
    expect(lucia.received.map(({ event }) => event)).toEqual(['newChat', 'incomingMessage', 'chatEnded'])
  })

  test('operators see one another come and go', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const mateo = await chat.operator('Mateo', 2)
    const mateosOtherTab = await chat.operator('Mateo', 2)
    const guest = await chat.guest('ana')
    expect(await lucia.next('operatorConnected')).toEqual({ operatorId: 2, name: 'Mateo' })

    lucia.socket.emit('getConnectedOperators', {})
    expect(await lucia.next('connectedOperatorsList')).toEqual([
      { operatorId: 1, name: 'Lucía' },
      { operatorId: 2, name: 'Mateo' },
    ])

    mateo.socket.disconnect()
    mateosOtherTab.socket.disconnect()
    expect(await lucia.next('operatorDisconnected')).toEqual({ operatorId: 2, name: 'Mateo' })
    expect(lucia.all('operatorConnected')).toHaveLength(1)
    expect(lucia.all('operatorDisconnected')).toHaveLength(1)
    expect(guest.received).toEqual([])
  })

  test('an operator who comes later finds everything, and can mark it as read', async ({ chat }) => {
    const ana = await chat.guest('ana')
    await ana.ask('clientMessage', { type: 'text', message: 'one' })
    const id = rowIdOf(await ana.ask('clientMessage', { type: 'text', message: 'two' }))
    await ana.ask('clientMessage', { type: 'text', message: 'three' })

    const lucia = await chat.operator('Lucía', 1)
    const { chats } = expectOk(await lucia.ask('recentChats', {}))
    expect(chats).toMatchObject([{ username: 'ana', unreadCount: 3, lastMessage: { text: 'three' } }])
    const clientId = chats[0]?.clientId
    const texts = ['one', 'two', 'three'].map((text) => ({ text }))
    for (const contact of [{ clientId }, { username: 'ana' }, { clientId: ana.clientId }]) {
      expect(await lucia.ask('history', contact)).toMatchObject({ ok: true, messages: texts, nextBefore: null })
    }
    const page = await lucia.ask('history', { clientId, limit: 2 })
    expect(page.messages).toMatchObject(texts.slice(1))
    expect((await lucia.ask('history', { clientId, before: page.nextBefore })).messages).toMatchObject([
      { text: 'one' },
    ])

    expect(await lucia.ask('markRead', { clientId, upToMessageId: id })).toEqual({ ok: true, marked: 2 })
    expect(await lucia.ask('markRead', { clientId: ana.clientId })).toEqual({ ok: true, marked: 1 })
    expect(await lucia.ask('markRead', { username: 'ana' })).toEqual({ ok: true, marked: 0 })
  })
})

describe('a message', () => {
  test('is in the database when its acknowledgement arrives, and its sender gets a receipt after it', async ({
    chat,
  }) => {
    const ana = await chat.guest('ana', { phone: '+34 600' })
    const sent = expectOk(await ana.ask('clientMessage', { type: 'text', message: 'kept' }))
    const { messageId } = sent
    const rows = await chat.database.query(
      `SELECT "text", "senderType", "sessionId", "clientSocketId", "guestUsername", "guestPhone", "idempotencyKey"
       FROM "ChatMessage" WHERE "id" = $1`,
      [rowIdOf(sent)],
    )
    expect(rows).toEqual([
      {
        text: 'kept',
        senderType: 'CLIENT',
        sessionId: ana.clientId,
        clientSocketId: ana.socket.id,
        guestUsername: 'ana',
        guestPhone: '+34 600',
        idempotencyKey: `${ana.clientId}/${messageId}`,
      },
    ])
    expect(await ana.next('messageSent')).toEqual({ messageId, clientId: ana.clientId, timestamp, queued: false })
    const receiptsAtAck = await new Promise((resolve) => {
      ana.socket.emit('clientMessage', { type: 'text', message: 'again' }, () => resolve(ana.all('messageSent').length))
    })
    expect(receiptsAtAck).toBe(1)
    await ana.next('messageSent', 2)
  })

  test('is neither acknowledged nor shown to anybody before its commit', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    await whileBlocked(chat.database, async (release) => {
      const acknowledged = ana.ask('clientMessage', { type: 'text', message: 'not yet' })
      await untilWaiting(chat.database, 1)
      expectOk(await lucia.ask('recentChats'))
      expectOk(await ana.ask('clientTyping', { isTyping: false }))
      expect(lucia.all('incomingMessage')).toEqual([])
      expect(ana.received).toEqual([])
      await release()
      expectOk(await acknowledged)
    })
    expect(await lucia.next('incomingMessage')).toMatchObject({ message: 'not yet' })
  })

  test('sent twice under one id is kept once, acknowledged twice, shown once', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    const message = { type: 'text', message: 'once', messageId: 'm-1' }
    const first = expectOk(await ana.ask('clientMessage', message))
    expect(await ana.ask('clientMessage', message)).toEqual({ ...first, duplicate: true })
    const answer = { to: ana.clientId, type: 'text', message: 'once, too', messageId: 'm-1' }
    const firstAnswer = expectOk(await lucia.ask('operatorMessage', answer))
    expect(await lucia.ask('operatorMessage', answer)).toEqual({ ...firstAnswer, duplicate: true })

    await ana.ask('clientMessage', { type: 'text', message: 'last' })
    await lucia.ask('operatorMessage', { to: ana.clientId, type: 'text', message: 'last' })
    await lucia.next('incomingMessage', 2)
    await ana.next('operatorMessage', 2)

    expect(lucia.all('incomingMessage')).toMatchObject([{ message: 'once' }, { message: 'last' }])
    expect(ana.all('operatorMessage')).toMatchObject([{ message: 'once, too' }, { message: 'last' }])
    expect(await ana.next('messageSent', 3)).toBeDefined()
    expect(await chat.database.query('SELECT FROM "ChatMessage"')).toHaveLength(4)
  })

  test('under an id that another message of the same sender has is refused, and the first stays', async ({ chat }) => {
    const ana = await chat.guest('ana')
    const bruno = await chat.guest('bruno')
    expectOk(await ana.ask('clientMessage', { type: 'text', message: 'first', messageId: 'x' }))
    const refused = await ana.ask('clientMessage', { type: 'text', message: 'second', messageId: 'x' })
    expect(refused).toMatchObject({ ok: false, error: { code: 'idempotency_conflict', retryable: false } })
    expect(await bruno.ask('clientMessage', { type: 'text', message: 'third', messageId: 'x' })).toMatchObject({
      ok: true,
      duplicate: false,
    })
    expect(await chat.database.query('SELECT "text" FROM "ChatMessage" ORDER BY "id"')).toEqual([
      { text: 'first' },
      { text: 'third' },
    ])
  })

  test('keeps its order in a burst of 200 sent without waiting', async ({ chat }) => {
    const lucia = await chat.operator('Lucía', 1)
    const ana = await chat.guest('ana')
    const bruno = await chat.guest('bruno')
    const texts = Array.from({ length: 200 }, (_, number) => `message ${number}`)
    const acks = await Promise.all(
      texts.flatMap((message) => [ana, bruno].map((guest) => guest.ask('clientMessage', { type: 'text', message }))),
    )
    acks.forEach(expectOk)
    await lucia.next('incomingMessage', 400)
    for (const guest of [ana, bruno]) {
      const stored = await chat.database.query<{ text: string }>(
        'SELECT "text" FROM "ChatMessage" WHERE "sessionId" = $1 ORDER BY "id"',
        [guest.clientId],
      )
      expect(stored.map(({ text }) => text)).toEqual(texts)
      const shown = lucia.all('incomingMessage') as readonly { from: string; message: string }[]
      expect(shown.filter(({ from }) => from === guest.clientId).map(({ message }) => message)).toEqual(texts)
    }
    const clients = await chat.database.query(`SELECT FROM "Client" WHERE "username" IN ('ana', 'bruno')`)
    expect(clients).toHaveLength(2)
  })
})

databaseTest('conversations go on where they were after the server was started anew', async ({ database }) => {
  await withoutMessages(database)
  const before = { token: '', clientId: '' }
  await withChat(database, {}, async (chat) => {
    const ana = await chat.guest('ana')
    await ana.ask('clientMessage', { type: 'text', message: 'hello', messageId: 'a' })
    Object.assign(before, { token: ana.token, clientId: ana.clientId })
  })
  await withChat(database, {}, async (chat) => {
    const lucia = await chat.operator('Lucía', 1)
    expectOk(await lucia.ask('operatorMessage', { to: before.clientId, type: 'text', message: 'Are you there?' }))
    const ana = await chat.guest('ana', { token: before.token })
    expect(ana.clientId).toBe(before.clientId)
    expect(await ana.ask('clientMessage', { type: 'text', message: 'hello', messageId: 'a' })).toMatchObject({
      duplicate: true,
    })
    const { messages } = await ana.ask('history')
    expect(messages).toMatchObject([
      { text: 'hello', senderType: 'CLIENT', messageId: 'a', guestUsername: 'ana' },
      { text: 'Are you there?', senderType: 'OPERATOR', messageId: null },
    ])
    const clients = await database.query(`SELECT DISTINCT "clientId" FROM "ChatMessage"`)
    expect(clients).toHaveLength(1)
  })
})
