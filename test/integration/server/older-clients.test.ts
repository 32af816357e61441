import { expect } from '../../support/database.js'
import { SECRET, test } from '../../support/socket-chat.js'

// Older widgets and panels use no acknowledgements, no tokens and no message ids.

test('an older widget joins with `name`, sends, and learns by messageSent that it is kept', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  const { socket, next } = await chat.connect()
  socket.emit('join', { role: 'client', name: 'ana', phone: '+34600' })
  socket.emit('clientMessage', { type: 'text', message: 'hello' })
  socket.emit('clientMessage', {
    type: 'image',
    image: 'data:image/png;base64,AAAA',
    name: 'x.png',
    mimeType: 'image/png',
    size: 3,
  })
  socket.emit('clientTyping', { isTyping: true })

  const { clientId, queued } = await next('messageSent', 2)
  expect(queued).toBe(false)
  expect(await lucia.next('newChat')).toEqual({ clientId, to: clientId, username: 'ana', phone: '+34600' })
  expect(await lucia.next('incomingMessage', 2)).toMatchObject({
    from: clientId,
    type: 'image',
    name: 'x.png',
    size: 3,
  })
  expect(await lucia.next('clientTyping')).toEqual({ from: clientId, to: clientId, isTyping: true })
  expect(await chat.database.query('SELECT "guestUsername", "text" FROM "ChatMessage" ORDER BY "id"')).toEqual([
    { guestUsername: 'ana', text: 'hello' },
    { guestUsername: 'ana', text: null },
  ])

  await lucia.ask('operatorMessage', { to: clientId, type: 'text', message: 'Hello' })
  expect(await next('incomingOperatorMessage')).toMatchObject({ message: 'Hello', operatorName: 'Lucía' })
  socket.emit('chatEnded', {})
  expect(await lucia.next('chatEnded')).toEqual({ clientId, to: clientId })
})

test('an older panel that adds its token to join works without acknowledgements', async ({ chat }) => {
  const { socket, next } = await chat.connect()
  socket.emit('join', { role: 'operator', name: 'Lucía', operatorId: 1, token: SECRET })
  socket.emit('getConnectedOperators', {})
  expect(await next('connectedOperatorsList')).toEqual([{ operatorId: 1, name: 'Lucía' }])

  const ana = await chat.guest('ana')
  const { clientId } = await next('newChat')
  const answer = { to: clientId, type: 'text', message: 'Hello', operatorId: 1, operatorName: 'Lucía' }
  socket.emit('operatorTyping', { to: clientId, isTyping: true })
  socket.emit('operatorMessage', answer)
  expect(await ana.next('operatorTyping')).toEqual({ isTyping: true })
  expect(await ana.next('operatorMessage')).toMatchObject({ message: 'Hello', operatorName: 'Lucía' })
  expect(await next('messageSent')).toMatchObject({ clientId, queued: false })
})

test('a panel of the first versions needs no operatorId, and no type of a message', async ({ chat }) => {
  const { socket, next } = await chat.connect()
  socket.emit('join', { role: 'operator', name: 'Lucía', token: SECRET })
  const ana = await chat.guest('ana')
  const to = ana.clientId
  await next('newChat')
  const image = 'data:image/png;base64,iVBORw0KGgo='
  for (const content of [{ message: 'Hello' }, { message: 'see', image }, { image: null, message: 'bye' }])
    socket.emit('operatorMessage', { to, ...content })
  await ana.next('operatorMessage', 3)
  expect(ana.all('operatorMessage')).toMatchObject([{ type: 'text' }, { type: 'image', image }, { type: 'text' }])
  socket.emit('endChat', { clientId: to })
  expect(await ana.next('chatEnded')).toEqual({ message: 'The operator has ended the chat.' })
})

test('an older panel without the token is disconnected', async ({ chat }) => {
  const { socket, disconnected } = await chat.connect()
  socket.emit('join', { role: 'operator', name: 'Lucía', operatorId: 1 })
  expect(await disconnected()).toBe('io server disconnect')
})

test('an older widget that comes back on a new socket, and two older panels, see all that is theirs', async ({
  chat,
}) => {
  const panel = async (name: string, operatorId: number) => {
    const peer = await chat.connect()
    peer.socket.emit('join', { role: 'operator', name, operatorId, token: SECRET })
    peer.socket.emit('getConnectedOperators', {})
    await peer.next('connectedOperatorsList')
    return peer
  }
  const lucia = await panel('Lucía', 1)
  const bruno = await panel('Bruno', 2)
  expect(await lucia.next('operatorConnected')).toEqual({ operatorId: 2, name: 'Bruno' })
  expect(bruno.all('connectedOperatorsList')).toEqual([
    [
      { operatorId: 1, name: 'Lucía' },
      { operatorId: 2, name: 'Bruno' },
    ],
  ])

  const first = await chat.connect()
  first.socket.emit('join', { role: 'client', name: 'ana' })
  first.socket.emit('clientMessage', { type: 'text', message: 'before' })
  const { from } = await lucia.next('incomingMessage')
  first.socket.disconnect()
  const again = await chat.connect('polling')
  again.socket.emit('join', { role: 'client', name: 'ana' })
  again.socket.emit('clientMessage', { type: 'text', message: 'after' })
  const { from: to, ...incoming } = await bruno.next('incomingMessage', 2)
  expect(incoming).toMatchObject({ type: 'text', message: 'after' })
  // Without its token nobody can tell that it is the same guest: a conversation of its own, and the same client.
  expect(to).not.toBe(from)
  expect(await lucia.next('newChat', 2)).toEqual({ clientId: to, to, username: 'ana' })
  expect(await chat.database.query('SELECT count(DISTINCT "clientId")::integer FROM "ChatMessage"')).toEqual([
    { count: 1 },
  ])

  const image = 'data:image/png;base64,iVBORw0KGgo='
  const file = { type: 'image', image, name: 'x.png', mimeType: 'image/png', size: 8 }
  again.socket.emit('clientMessage', file)
  lucia.socket.emit('operatorTyping', { to, isTyping: true })
  lucia.socket.emit('operatorTyping', { to, isTyping: false })
  lucia.socket.emit('operatorMessage', { to, ...file, operatorId: 1, operatorName: 'Lucía' })
  expect(await bruno.next('incomingMessage', 3)).toMatchObject({ from: to, ...file })
  for (const event of ['operatorMessage', 'incomingOperatorMessage']) {
    expect(await again.next(event)).toMatchObject({ from: to, ...file, operatorName: 'Lucía' })
  }
  expect(again.all('operatorTyping')).toEqual([{ isTyping: true }, { isTyping: false }])
  expect(await bruno.next('operatorBroadcast')).toMatchObject({ clientId: to, operatorId: 1, ...file })
  expect(await lucia.next('messageSent')).toMatchObject({ clientId: to, queued: false })
  expect(lucia.all('operatorBroadcast')).toEqual([])

  again.socket.emit('clientTyping', { isTyping: false })
  again.socket.emit('chatEnded', {})
  for (const peer of [lucia, bruno]) {
    expect(await peer.next('chatEnded')).toEqual({ clientId: to, to })
    expect(peer.all('clientTyping')).toEqual([{ from: to, to, isTyping: false }])
    expect(peer.all('incomingMessage')).toHaveLength(3)
  }
  bruno.socket.disconnect()
  expect(await lucia.next('operatorDisconnected')).toEqual({ operatorId: 2, name: 'Bruno' })
})
