import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { createServer, type RequestListener, type Server as HttpServer } from 'node:http'
import { Server } from 'socket.io'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { attachChatServer, createChatStore, InvalidCall, type ChatStore } from '../../../src/index.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { expectOk, SECRET, withoutMessages, type Ack } from '../../support/socket-chat.js'

interface Application {
  readonly http: HttpServer
  readonly url: string
  readonly store: ChatStore
  readonly connect: (path: string, options?: Partial<ManagerOptions & SocketOptions>) => Socket
}

const onHello: RequestListener = (request, response) => response.end(`application: ${request.url ?? ''}`)

/** An application with an HTTP server of its own; everything is closed when the work is over. */
const withApplication = async (database: TestDatabase, work: (app: Application) => Promise<void>): Promise<void> => {
  await withoutMessages(database)
  const http = createServer(onHello)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const store = createChatStore({ databaseUrl: database.url })
  const sockets: Socket[] = []
  try {
    await work({
      ...{ http, url, store },
      connect: (path, options) => {
        const socket = io(`${url}${path}`, { forceNew: true, ...options })
        sockets.push(socket)
        return socket
      },
    })
  } finally {
    for (const socket of sockets) socket.disconnect()
    http.closeAllConnections()
    http.close()
    await store.close()
  }
}

const ask = async (socket: Socket, event: string, payload: object): Promise<Ack> =>
  (await socket.timeout(15_000).emitWithAck(event, payload)) as Ack

const heard = (socket: Socket, event: string): Promise<unknown> => new Promise((resolve) => socket.once(event, resolve))

const talk = async (guest: Socket, operator: Socket): Promise<void> => {
  const answered = heard(guest, 'operatorMessage')
  const { clientId } = expectOk(await ask(guest, 'join', { role: 'client', username: 'ana' }))
  expectOk(await ask(operator, 'join', { role: 'operator', name: 'Lucía', operatorId: 1, token: SECRET }))
  expectOk(await ask(guest, 'clientMessage', { type: 'text', message: 'hello' }))
  expectOk(await ask(operator, 'operatorMessage', { to: clientId, message: 'Hello Ana' }))
  expect(await answered).toMatchObject({ message: 'Hello Ana' })
}

test("a chat on an application's HTTP server has its path, and the application the rest", async ({ database }) => {
  await withApplication(database, async ({ http, url, store, connect }) => {
    const answer = async (path: string): Promise<string> => (await fetch(`${url}${path}`)).text()
    // A second time, to show that nothing of the first is left.
    for (const path of ['/chat', '/support/chat/']) {
      const chat = await attachChatServer(http, { store, operatorSecret: SECRET, path })
      const guest = connect('/', { path, transports: ['polling'], reconnection: false })
      await talk(guest, connect('/', { path, transports: ['websocket'], reconnection: false }))
      expect(await answer('/hello')).toBe('application: /hello')
      expect(await answer('/chatter')).toBe('application: /chatter')
      const disconnected = heard(guest, 'disconnect')
      await chat.close()
      await disconnected
      expect(await answer('/chat/?EIO=4&transport=polling')).toMatch(/^application/)
      expect([http.listeners('request'), http.listenerCount('upgrade')]).toEqual([[onHello], 0])
    }
    expect(await database.query('SELECT FROM "ChatMessage"')).toHaveLength(4)
  })
})

test("a chat in a namespace leaves the application's namespaces and connections alone", async ({ database }) => {
  await withApplication(database, async ({ http, store, connect }) => {
    const server = new Server(http, { maxHttpBufferSize: 8 * 1_048_576 })
    server.on('connection', (socket) => socket.on('echo', (payload, reply: (same: unknown) => void) => reply(payload)))
    const chat = await attachChatServer(server, { store, operatorSecret: SECRET, joinTimeoutMs: 1_000 })
    // One connection carries both namespaces.
    const own = connect('/', { forceNew: false, reconnection: false })
    await talk(connect('/chat'), connect('/chat'))
    const mallory = connect('/chat', { forceNew: false, reconnection: false })
    const refused = await ask(mallory, 'join', { role: 'operator', name: 'Mallory', token: 'wrong' })
    expect(refused).toMatchObject({ error: { code: 'unauthorized' } })
    if (mallory.connected) await heard(mallory, 'disconnect')
    const silent = connect('/chat')
    expect(await heard(silent, 'refused')).toMatchObject({ code: 'join_timeout' })
    if (silent.connected) await heard(silent, 'disconnect')
    expect(await ask(own, 'echo', { mine: true })).toEqual({ mine: true })
    await chat.close()
    expect(await heard(connect('/chat'), 'connect_error')).toMatchObject({ data: { code: 'server_closing' } })
    expect(await ask(own, 'echo', { mine: true })).toEqual({ mine: true })
    server.disconnectSockets(true)
  })
})

test('a chat is not attached where it would get in the way of the application, or be unsafe', async ({ database }) => {
  await withApplication(database, async ({ http, store }) => {
    const server = new Server({ maxHttpBufferSize: 8 * 1_048_576 })
    server.on('connection', () => undefined)
    const twice = new Server({ maxHttpBufferSize: 8 * 1_048_576 })
    await (await attachChatServer(twice, { store })).close()
    const refusals = [
      attachChatServer(twice, { store }),
      attachChatServer(server, { store, namespace: '/' }),
      attachChatServer(server, { store, corsOrigin: '*' }),
      attachChatServer(server, { store, maxUnreadCharacters: 1 }),
      attachChatServer(new Server({ connectionStateRecovery: {} }), { store }),
      attachChatServer(http, { store, namespace: '/chat' }),
      attachChatServer(http, { store, path: '/' }),
      attachChatServer(http, { store, path: 'http://me:secret@shop.example/chat' }),
    ]
    for (const refusal of refusals) await expect(refusal).rejects.toMatchObject({ code: 'invalid_option' })
    expect(http.listeners('request')).toEqual([onHello])
  })
})

test('a Socket.IO server whose packets are too small for a message is refused, not left to end connections', async ({
  database,
}) => {
  await withApplication(database, async ({ store }) => {
    const small = new Server()
    await expect(attachChatServer(small, { store })).rejects.toMatchObject({
      code: 'invalid_option',
      message:
        'the Socket.IO server ends connections that send more than 1000000 bytes, and a message of 1048576 bytes (maxMessageBytes) may take 7405568',
      hint: 'create the Socket.IO server with maxHttpBufferSize: 7405568, or attach the chat with maxMessageBytes: 133494',
    })
    await (await attachChatServer(small, { store, maxMessageBytes: 133_494 })).close()
  })
})

test('what is no server, path or open store is refused, with what to pass instead', async ({ database }) => {
  await withApplication(database, async ({ http, store }) => {
    const express = Object.assign(() => undefined, { listen: () => http, handle: () => undefined })
    const targets: readonly (readonly [to: unknown, hint: RegExp])[] = [
      [express, /app\.listen/],
      [{ server: http, listen: () => undefined }, /of Fastify pass app\.server/],
      [{ getHttpServer: () => http }, /of Nest pass app\.getHttpServer\(\)/],
      [{ callback: () => onHello, listen: () => http }, /createServer\(app\.callback\(\)\)/],
      [new Server().of('/x'), /the option namespace/],
      ...[createTcpServer(), null, undefined, 3000, 'http://x', {}].map((to) => [to, /node:http/] as const),
    ]
    for (const [to, hint] of targets) {
      const error = await attachChatServer(to as HttpServer, { store }).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(InvalidCall)
      expect(error).toMatchObject({ code: 'invalid_option', hint: expect.stringMatching(hint) as string })
    }
    for (const path of ['chat', '/chat?x', '/a b', '/ü', '//x', '/a/../b', ''])
      await expect(attachChatServer(http, { store, path })).rejects.toThrow(
        `path is ${path === '' ? 'empty' : JSON.stringify(path)}, but must be a path such as`,
      )
    const closed = createChatStore({ databaseUrl: database.url })
    await closed.close()
    await expect(attachChatServer(http, { store: closed })).rejects.toThrow('the store is closed')
    expect(http.listeners('request')).toEqual([onHello])
  })
})

test('a chat that is closed first does not keep the HTTP server of the application open', async ({ database }) => {
  await withApplication(database, async ({ http, store, connect }) => {
    const chat = await attachChatServer(http, { store })
    for (const transport of ['websocket', 'polling'] as const) {
      const guest = connect('/', { path: '/chat', transports: [transport], reconnection: false })
      expectOk(await ask(guest, 'join', { role: 'client', username: transport }))
    }
    const closed = new Promise((resolve) => http.close(resolve))
    const isOpen = Symbol('open')
    expect(await Promise.race([closed, new Promise((resolve) => setImmediate(resolve, isOpen))])).toBe(isOpen)
    await chat.close()
    await closed
  })
})
