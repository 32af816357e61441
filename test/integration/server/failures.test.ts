import { get } from 'node:http'
import { connect as connectTcp, createServer, type Server, type Socket as TcpSocket } from 'node:net'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { startChatServer } from '../../../src/server/chat-server.js'
import { describe, expect, test as databaseTest } from '../../support/database.js'
import {
  connectTo,
  expectOk,
  imageOf,
  test,
  untilWaiting,
  whileBlocked,
  withChat,
  withoutMessages,
} from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const UNAVAILABLE = { ok: false, error: { code: 'database_unavailable', retryable: true } }

/** The road to a database server, which can be cut and mended. */
const openRoad = async (databaseUrl: string) => {
  const { hostname, port } = new URL(databaseUrl)
  const ends = new Set<TcpSocket>()
  let server: Server | undefined
  const listen = (on: number): Promise<number> =>
    new Promise((resolve) => {
      server = createServer((near) => {
        const far = connectTcp(Number(port), hostname)
        for (const [one, other] of [
          [near, far],
          [far, near],
        ] as const) {
          ends.add(one)
          one.on('error', () => undefined)
          one.on('close', () => other.destroy())
          one.pipe(other)
        }
      }).listen(on, '127.0.0.1', () => {
        const address = server?.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  const roadPort = await listen(0)
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String(roadPort)
  return {
    url: url.href,
    cut: () => {
      server?.close()
      for (const end of ends) end.destroy()
    },
    mend: () => listen(roadPort),
  }
}

describe('while the database is unavailable', () => {
  databaseTest('everything is answered as retryable, and goes on when it is back', async ({ database }) => {
    await withoutMessages(database)
    const road = await openRoad(database.url)
    const store = createChatStore({ databaseUrl: road.url }, { deadlineMs: 1_000 })
    await withChat(database, { store }, async (chat) => {
      const lucia = await chat.operator('Lucía', 1)
      const ana = await chat.guest('ana')
      expectOk(await ana.ask('clientMessage', { type: 'text', message: 'before' }))
      road.cut()

      const message = { type: 'text', message: 'during', messageId: 'm' }
      expect(await ana.ask('clientMessage', message)).toMatchObject(UNAVAILABLE)
      expect(await ana.ask('history')).toMatchObject(UNAVAILABLE)
      for (const event of ['recentChats', 'history', 'markRead']) {
        expect(await lucia.ask(event, { username: 'ana' })).toMatchObject(UNAVAILABLE)
      }
      expect(await lucia.ask('operatorMessage', { to: ana.clientId, type: 'text', message: 'x' })).toMatchObject(
        UNAVAILABLE,
      )
      // What needs no database goes on.
      expectOk(await ana.ask('clientTyping', { isTyping: true }))
      expect(lucia.all('incomingMessage')).toHaveLength(1)
      expect(chat.log.length).toBeGreaterThan(0)
      expect(chat.log.join()).not.toMatch(/during|ana/)

      await road.mend()
      // On a busy machine the store's deadline may pass once more.
      const send = async (): Promise<void> =>
        expect(await ana.ask('clientMessage', message)).toMatchObject({ ok: true, duplicate: false })
      await until(send, { what: 'the message is stored' })
      expect(await lucia.next('incomingMessage', 2)).toMatchObject({ message: 'during' })
    })
    road.cut()
  })

  test('a closed store is answered the same way', async ({ chat }) => {
    const ana = await chat.guest('ana')
    await chat.store.close()
    expect(await ana.ask('clientMessage', { type: 'text', message: 'x' })).toMatchObject(UNAVAILABLE)
  })

  databaseTest('a bug is answered without its details, which go to the log', async ({ database }) => {
    const store = createChatStore({ databaseUrl: database.url })
    const broken = { ...store, saveChatMessage: () => Promise.reject(new TypeError('a is not a function')) }
    await withChat(database, { store: broken }, async (chat) => {
      const ana = await chat.guest('ana')
      const { error } = await ana.ask('clientMessage', { type: 'text', message: 'my secret' })
      expect(error).toMatchObject({ code: 'internal', retryable: false })
      expect(error?.message).not.toContain('function')
      expect(chat.log).toHaveLength(1)
      expect(JSON.parse(chat.log[0] ?? '')).toMatchObject({
        level: 'error',
        event: 'request_failed',
        request: 'clientMessage',
        error: 'TypeError',
        stack: expect.stringMatching(/^at .*failures\.test/) as string,
      })
    })
  })

  databaseTest('a database that was not migrated is answered by name', async ({ database }) => {
    await withChat(database, {}, async (chat) => {
      const ana = await chat.guest('ana')
      const refused = await ana.ask('clientMessage', { type: 'text', message: 'x' })
      expect(refused).toMatchObject({ ok: false, error: { code: 'schema_not_ready' } })
    })
  })
})

describe('closing', () => {
  for (const transport of ['websocket', 'polling'] as const) {
    test(`lets messages under way over ${transport} be acknowledged, and accepts no new connections`, async ({
      chat,
    }) => {
      const ana = await chat.guest('ana', {}, transport)
      await whileBlocked(chat.database, async (release) => {
        const underWay = [1, 2, 3].map((number) => ana.ask('clientMessage', { type: 'text', message: `${number}` }))
        await untilWaiting(chat.database, 1)

        const closed = chat.server.close()
        await expect(connectTo(chat.server.port)).rejects.toThrow()
        await expect(connectTo(chat.server.port, 'polling')).rejects.toThrow()
        const late = ana.ask('clientMessage', { type: 'text', message: 'late' })
        // Answered after the late one was read, as the events of a socket are in order.
        expectOk(await ana.ask('clientTyping', { isTyping: true }))
        await release()

        const acks = await Promise.all([...underWay, late])
        acks.forEach(expectOk)
        // Not 'io server disconnect', after which the library would not come back by itself.
        expect(await ana.disconnected()).toMatch(/^transport (close|error)$/)
        await closed
      })
      const stored = await chat.database.query('SELECT "text" FROM "ChatMessage" ORDER BY "id"')
      expect(stored).toEqual([{ text: '1' }, { text: '2' }, { text: '3' }, { text: 'late' }])
      await expect(connectTo(chat.server.port)).rejects.toThrow()
    })
  }

  test('delivers the answers that are still on their way', async ({ chat }) => {
    const ana = await chat.guest('ana', {}, 'polling')
    const image = imageOf(1_048_576)
    for (let number = 0; number < 3; number += 1) expectOk(await ana.ask('clientMessage', { type: 'image', image }))
    const large = [ana.ask('history'), ana.ask('history')]
    // Answered while the others are still being read from the database, so the server has got them, too.
    expectOk(await ana.ask('clientTyping', { isTyping: true }))
    await chat.server.close()
    for (const { messages } of await Promise.all(large)) expect(messages).toHaveLength(3)
  })

  test('ends within its deadline when the database does not, and says to repeat what may not be kept', async ({
    chat,
  }) => {
    const ana = await chat.guest('ana')
    await whileBlocked(chat.database, async () => {
      const answer = ana.ask('clientMessage', { type: 'text', message: 'x' })
      await untilWaiting(chat.database, 1)
      // The table is still locked when it has closed.
      await chat.server.close()
      expect((await answer).error).toMatchObject({ code: 'server_closing', retryable: true })
      expect(chat.log.join()).toContain('"event":"drain_incomplete","requests":1')
    })
  })

  test('does not wait for clients that neither read nor hang up', async ({ chat }) => {
    const deaf = connectTcp(chat.server.port, '127.0.0.1')
    deaf.on('error', () => undefined)
    deaf.write(
      'GET /chat/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await new Promise((resolve) => deaf.once('data', resolve))
    deaf.pause()
    const idle = connectTcp(chat.server.port, '127.0.0.1')
    idle.on('error', () => undefined)
    await new Promise((resolve) => idle.once('connect', resolve))
    try {
      const start = performance.now()
      await Promise.all([chat.server.close(), chat.server.close()])
      // The library would notice after 45 s that a client is gone.
      expect(performance.now() - start).toBeLessThan(30_000)
    } finally {
      deaf.destroy()
      idle.destroy()
    }
  })
})

describe('connections', () => {
  databaseTest('of pages of other origins are refused unless they are allowed', async ({ database }) => {
    const from = (origin: string): Record<string, string> => ({ origin })
    await withChat(database, {}, async ({ server: { port }, connect }) => {
      for (const transport of ['websocket', 'polling'] as const) {
        await expect(connectTo(port, transport, from('https://evil.example'))).rejects.toThrow()
        await expect(connectTo(port, transport, from('null'))).rejects.toThrow()
        await connect(transport, from(`http://127.0.0.1:${port}`))
        await connect(transport)
      }
    })
    await withChat(database, { corsOrigin: ['https://shop.example'] }, async ({ server: { port }, connect }) => {
      await connect('websocket', from('https://shop.example'))
      await expect(connectTo(port, 'websocket', from('https://shop.example.evil.example'))).rejects.toThrow()
      const handshake = `http://127.0.0.1:${port}/chat/?EIO=4&transport=polling`
      const allowed = await fetch(handshake, { headers: from('https://shop.example') })
      expect(allowed.headers.get('access-control-allow-origin')).toBe('https://shop.example')
    })
    const apps = ['capacitor://localhost', 'HTTPS://*.Shop.Example:443/']
    await withChat(database, { corsOrigin: apps }, async ({ server: { port }, connect }) => {
      for (const origin of ['capacitor://localhost', 'https://eu.shop.example']) {
        for (const transport of ['websocket', 'polling'] as const) await connect(transport, from(origin))
        const handshake = `http://127.0.0.1:${port}/chat/?EIO=4&transport=polling`
        const { headers } = await fetch(handshake, { headers: from(origin) })
        expect(headers.get('access-control-allow-origin')).toBe(origin)
      }
      for (const origin of ['capacitor://localhost.evil', 'https://shop.example', 'https://evil-shop.example']) {
        await expect(connectTo(port, 'websocket', from(origin))).rejects.toThrow()
      }
    })
    await expect(withChat(database, { corsOrigin: 'shop.example' }, () => Promise.resolve())).rejects.toMatchObject({
      code: 'invalid_option',
      hint: 'Write an origin with its scheme, such as https://shop.example, or * for all.',
    })
    await withChat(database, { corsOrigin: '*' }, async ({ connect }) => {
      await connect('websocket', from('https://anybody.example'))
    })
  })

  databaseTest(
    'of a page that points its own name at this server are refused, on every transport',
    async ({ database }) => {
      const host = 'rebound.example:3001'
      const handshake = { transport: 'polling', EIO: '4' }
      const polled = (port: number, headers: Readonly<Record<string, string>>): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          const path = `/chat/?${new URLSearchParams(handshake).toString()}`
          get({ port, path, headers: { ...headers } }, (response) => resolve(response.resume().statusCode)).on(
            'error',
            reject,
          )
        })
      await withChat(database, {}, async ({ server: { port }, log }) => {
        // A browser sends no origin with a GET to the page's own.
        for (const headers of [{ host }, { host, origin: `http://${host}` }]) {
          await expect(connectTo(port, 'websocket', headers)).rejects.toThrow()
          expect(await polled(port, headers)).toBe(403)
        }
        expect(log.join()).toContain('"event":"host_refused","host":"rebound.example:3001"')
      })
      await withChat(database, { publicHost: 'rebound.example' }, async ({ connect, server: { port } }) => {
        for (const headers of [{ host }, { origin: 'https://rebound.example' }]) {
          await connect('websocket', headers)
          expect(await polled(port, headers)).toBe(200)
        }
      })
    },
  )

  databaseTest('to other paths are answered with 404, and the client script is not served', async ({ database }) => {
    await withChat(database, {}, async ({ server: { port, url } }) => {
      expect(url).toBe(`http://127.0.0.1:${port}/chat`)
      for (const path of ['', 'chat', 'chat/socket.io.js', 'socket.io/?EIO=4&transport=polling']) {
        expect((await fetch(`http://127.0.0.1:${port}/${path}`)).ok).toBe(false)
      }
    })
  })
})

describe('starting', () => {
  databaseTest('on a port that is taken, or an address that is not ours, says which', async ({ database }) => {
    await withChat(database, {}, async ({ server: { port }, store }) => {
      await expect(startChatServer({ store, port })).rejects.toMatchObject({
        code: 'address_in_use',
        message: `cannot listen on 127.0.0.1:${port}: the address is in use`,
      })
      await expect(startChatServer({ store, port: 0, host: '192.0.2.1' })).rejects.toMatchObject({
        code: 'address_not_available',
        message: expect.stringContaining('192.0.2.1:0') as string,
      })
      await expect(startChatServer({ store, port: 0, host: 'no-such-host.invalid' })).rejects.toMatchObject({
        code: 'address_not_available',
      })
    })
  })
})
