import { createServer, get, type Server as HttpServer } from 'node:http'
import { connect as connectSession, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { io } from 'socket.io-client'
import { attachChatServer, createChatStore, type ChatStore } from '../../../src/index.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { expectOk, withoutMessages, type Ack } from '../../support/socket-chat.js'
import { createCertificates, hasOpenssl } from '../../support/tls-front.js'

/** An application's server that listens, and a store; both are closed when the work is over. */
const withServer = async (
  database: TestDatabase,
  server: Pick<HttpServer, 'listen' | 'close' | 'address'>,
  work: (port: number, store: ChatStore) => Promise<void>,
): Promise<void> => {
  await withoutMessages(database)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const store = createChatStore({ databaseUrl: database.url })
  try {
    await work((server.address() as AddressInfo).port, store)
  } finally {
    server.close()
    await store.close()
  }
}

/** Joins, and says something. */
const say = async (url: string, path: string, transport: string): Promise<void> => {
  const guest = { role: 'client', username: 'ana' }
  const socket = io(url, { path, transports: [transport], auth: guest, forceNew: true, rejectUnauthorized: false })
  try {
    expectOk((await socket.timeout(15_000).emitWithAck('clientMessage', { message: 'hello' })) as Ack)
  } finally {
    socket.disconnect()
  }
}

/** The status with which a request to become a WebSocket is answered. */
const upgradeAt = (port: number, path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket' }
    get({ port, path, headers }, (response) => resolve(response.resume().statusCode)).on('error', reject)
  })

test('two chats have one server, each a path; a path that one has is refused to another', async ({ database }) => {
  const http = createServer((_request, response) => response.end('application'))
  await withServer(database, http, async (port, store) => {
    const url = `http://127.0.0.1:${port}`
    const first = await attachChatServer(http, { store })
    const refused = {
      code: 'invalid_option',
      message: 'a chat is attached to this server at "/chat" already',
      hint: 'close that chat first, or choose another path with the option path',
    }
    for (const path of ['/chat', '/chat/'])
      await expect(attachChatServer(http, { store, path })).rejects.toMatchObject(refused)
    await expect(attachChatServer(http, { store, path: '/chat/inner' })).rejects.toThrow(
      '"/chat/inner" overlaps with "/chat", where a chat is attached to this server already',
    )
    const attaching = ['/second', '/second'].map((path) => attachChatServer(http, { store, path }))
    const [second, again] = await Promise.allSettled(attaching)
    expect([second?.status, again?.status]).toEqual(['fulfilled', 'rejected'])
    for (const path of ['/chat', '/second'])
      for (const transport of ['websocket', 'polling']) await say(url, path, transport)
    expect(await upgradeAt(port, '/elsewhere')).toBe(404)

    await first.close()
    await say(url, '/second', 'websocket')
    const third = await attachChatServer(http, { store })
    await say(url, '/chat', 'websocket')
    await third.close()
    if (second?.status === 'fulfilled') await second.value.close()
    expect(await (await fetch(url)).text()).toBe('application')
    expect([http.listenerCount('request'), http.listenerCount('upgrade')]).toEqual([1, 0])
    const broken = { path: '/no/such/folder/journal' }
    await expect(attachChatServer(http, { store, journal: broken })).rejects.toMatchObject({
      code: expect.any(String) as string,
    })
    await (await attachChatServer(http, { store })).close()
  })
})

test.skipIf(!(await hasOpenssl()))(
  'a chat on an HTTP/2 server serves clients of HTTP/1 and HTTP/2',
  async ({ database }) => {
    const certificates = await createCertificates()
    const certificate = await certificates.issue('DNS:localhost')
    await certificates.remove()
    const http2 = createSecureServer({ ...certificate, allowHTTP1: true }, (_request, response) =>
      response.end('application'),
    )
    await withServer(database, http2 as unknown as HttpServer, async (port, store) => {
      const chat = await attachChatServer(http2, { store })
      const url = `https://localhost:${port}`
      for (const transport of ['websocket', 'polling']) await say(url, '/chat', transport)
      const session = connectSession(url, { rejectUnauthorized: false })
      const ask = (path: string): Promise<string> => text(session.request({ ':path': path, origin: url }))
      expect(await ask('/')).toBe('application')
      expect(await ask('/chat/?EIO=4&transport=polling')).toContain('"sid"')
      session.destroy()
      await chat.close()
    })
  },
)
