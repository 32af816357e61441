import { expect } from '../support/database.js'
import { SECRET, test } from '../support/socket-chat.js'

// Older widgets and panels use no acknowledgements, no tokens and no message ids.

test('an older widget joins with `name`, sends, and learns by messageSent that it is kept', async ({ chat }) => {
  const lucia = await chat.operator('Lucía', 1)
  const { socket, next } = await chat.connect()
  socket.emit('join', { role: 'client', name: 'ana', phone: '+34600' })
  socket.emit('clientMessage', { type: 'text', message: 'hello' })
  socket.emit('clientMessage', { type: 'image', image: 'data:,x', name: 'x.txt', mimeType: 'text/plain', size: 1 })
  socket.emit('clientTyping', { isTyping: true })

  const { clientId, queued } = await next('messageSent', 2)
  expect(queued).toBe(false)
  expect(await lucia.next('newChat')).toEqual({ clientId, username: 'ana' })
  expect(await lucia.next('incomingMessage', 2)).toMatchObject({
    from: clientId,
    type: 'image',
    name: 'x.txt',
    size: 1,
  })
  expect(await lucia.next('clientTyping')).toEqual({ from: clientId, isTyping: true })
  expect(await chat.database.query('SELECT "guestUsername", "text" FROM "ChatMessage" ORDER BY "id"')).toEqual([
    { guestUsername: 'ana', text: 'hello' },
    { guestUsername: 'ana', text: null },
  ])

  await lucia.ask('operatorMessage', { to: clientId, type: 'text', message: 'Hello' })
  expect(await next('incomingOperatorMessage')).toMatchObject({ message: 'Hello', operatorName: 'Lucía' })
  socket.emit('chatEnded', {})
  expect(await lucia.next('chatEnded')).toEqual({ clientId })
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

test('an older panel without the token is disconnected', async ({ chat }) => {
  const { socket, disconnected } = await chat.connect()
  socket.emit('join', { role: 'operator', name: 'Lucía', operatorId: 1 })
  expect(await disconnected()).toBe('io server disconnect')
})
