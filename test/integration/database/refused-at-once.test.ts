import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { createChatStore } from '../../../src/index.js'
import { expect, test } from '../../support/database.js'

/** A message of PostgreSQL's protocol, from the server. */
const message = (type: string, body: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

const WELCOME = [message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]
const FAREWELL = message('E', Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0'))

// It arrives like that when a session is ended just as it begins: nobody has borrowed the connection from the pool yet.
test('survives a server that ends a connection in the same breath as it welcomes it', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.end(Buffer.concat([...WELCOME, FAREWELL])))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const store = createChatStore(
    { databaseUrl: `postgresql://u@127.0.0.1:${port}/d?sslmode=disable` },
    { deadlineMs: 300 },
  )
  await expect(store.getRecentChats()).rejects.toMatchObject({ name: 'StoreUnavailable', retryable: true })
  await store.close()
  server.close()
})
