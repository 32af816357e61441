import { expect, test as databaseTest } from '../../support/database.js'
import { expectOk, test, withChat, withoutMessages } from '../../support/socket-chat.js'

const hello = { type: 'text', message: 'hello' }

test('a guest ends the chat, by the event of today or of older widgets', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  const ana = await chat.guest('ana')
  ana.socket.emit('clientMessage', hello)
  expectOk(await ana.ask('endChat', {}))
  expectOk(await ana.ask('chatEnded', {}))
  await lucia.next('chatEnded', 2)
  expect(lucia.all('chatEnded')).toEqual([
    { clientId: ana.clientId, to: ana.clientId },
    { clientId: ana.clientId, to: ana.clientId },
  ])
  expect(lucia.received.map(({ event }) => event).slice(0, 3)).toEqual(['newChat', 'incomingMessage', 'chatEnded'])
  expect(ana.all('chatEnded')).toEqual([])
})

test('an operator ends a chat: its guest and all operators are told, after the last message', async ({ chat }) => {
  const [lucia, mateo] = [await chat.operator('Lucía', 1), await chat.operator('Mateo', 2)]
  const ana = await chat.guest('ana')
  const tab = await chat.guest('ana', { token: ana.token })
  const bruno = await chat.guest('bruno')
  lucia.socket.emit('operatorMessage', { ...hello, to: ana.clientId })
  expectOk(await lucia.ask('endChat', { clientId: ana.clientId }))
  for (const one of [ana, tab]) {
    expect(await one.next('chatEnded')).toEqual({ message: 'The operator has ended the chat.' })
    expect(one.received.map(({ event }) => event).filter((event) => event !== 'messageSent')).toEqual([
      ...['operatorMessage', 'incomingOperatorMessage', 'chatEnded'],
    ])
  }
  for (const operator of [lucia, mateo])
    expect(await operator.next('chatEnded')).toEqual({ clientId: ana.clientId, to: ana.clientId, reason: 'operator' })

  // The chat may go on, and end again.
  expectOk(await ana.ask('clientMessage', hello))
  expectOk(await mateo.ask('endChat', { clientId: ana.clientId, message: 'Adiós' }))
  expect(await ana.next('chatEnded', 2)).toEqual({ message: 'Adiós' })
  expect(await mateo.ask('endChat', {})).toMatchObject({ error: { code: 'invalid_payload', retryable: false } })
  expect(await mateo.ask('endChat', { clientId: 'nobody' })).toMatchObject({ error: { code: 'unknown_conversation' } })
  expect(bruno.received).toEqual([])
})

test('an operator ends a chat by any address, whether or not its guest is connected', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  const ana = await chat.guest('ana')
  expectOk(await ana.ask('clientMessage', hello))
  const { clientId: byLibrary } = await chat.store.saveChatMessage({
    ...{ guestUsername: 'bruno', senderType: 'CLIENT', messageType: 'TEXT', text: 'by the application' },
  })
  const [{ clientId }] = (await chat.database.query<{ clientId: number }>(
    `SELECT "clientId" FROM "ChatMessage" WHERE "guestUsername" = 'ana'`,
  )) as [{ clientId: number }]
  for (const address of [clientId, 'ana', ana.clientId]) expectOk(await lucia.ask('endChat', { to: address }))
  await ana.next('chatEnded', 3)
  ana.socket.disconnect()
  await ana.disconnected()
  for (const address of [clientId, byLibrary]) expectOk(await lucia.ask('endChat', { clientId: address }))
  await lucia.next('chatEnded', 5)
  expect(lucia.all('chatEnded')).toEqual([
    ...Array.from({ length: 4 }, () => ({ clientId: ana.clientId, to: ana.clientId, reason: 'operator' })),
    { clientId: `client-${byLibrary}`, to: `client-${byLibrary}`, reason: 'operator' },
  ])
})

databaseTest('a guest who is gone has ended the chat, unless it comes back in time', async ({ database }) => {
  await withoutMessages(database)
  await withChat(database, { disconnectGraceMs: 500 }, async (chat) => {
    const lucia = await chat.operator('Lucía', 1)
    const [ana, bruno, carla] = [await chat.guest('ana'), await chat.guest('bruno'), await chat.guest('carla')]
    await chat.guest('ana', { token: ana.token })
    ana.socket.disconnect()
    bruno.socket.disconnect()
    await bruno.disconnected()
    await chat.guest('bruno', { token: bruno.token })
    carla.socket.disconnect()
    expect(await lucia.next('chatEnded')).toEqual({
      clientId: carla.clientId,
      to: carla.clientId,
      reason: 'disconnect',
    })
    expect(lucia.all('chatEnded')).toHaveLength(1)
  })
})

test('an operator who joins learns who is connected', async ({ chat }) => {
  const ana = await chat.guest('ana', { phone: '+34600' })
  await chat.guest('ana', { token: ana.token, phone: '+34600' })
  const bruno = await chat.guest('bruno')
  const lucia = await chat.operator('Lucía', 1)
  await lucia.next('newChat', 2)
  expectOk(await lucia.ask('recentChats', {}))
  expect(lucia.received).toEqual([
    { event: 'newChat', payload: { clientId: ana.clientId, to: ana.clientId, username: 'ana', phone: '+34600' } },
    { event: 'newChat', payload: { clientId: bruno.clientId, to: bruno.clientId, username: 'bruno' } },
  ])
})
