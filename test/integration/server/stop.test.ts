import { io, type Socket } from 'socket.io-client'
import { createChatStore } from '../../../src/index.js'
import { createChatLog } from '../../../src/server/log.js'
import { expect, type TestDatabase } from '../../support/database.js'
import { test, whileBlocked, withChat, withoutMessages, type Transport } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

/** A widget of the official library without acknowledgements. */
const widget = (port: number, username: string, transport: Transport): Socket => {
  const times = { reconnectionDelay: 50, reconnectionDelayMax: 100 }
  const options = { path: '/chat', transports: [transport], forceNew: true, ...times }
  const socket = io(`http://127.0.0.1:${port}`, options)
  socket.on('connect', () => socket.emit('join', { role: 'client', username }))
  return socket
}

const textsOf = async (database: TestDatabase, username: string): Promise<readonly string[]> => {
  const rows = await database.query<{ text: string }>(
    'SELECT "text" FROM "ChatMessage" WHERE "guestUsername" = $1 ORDER BY "id"',
    [username],
  )
  return rows.map(({ text }) => text)
}

for (const transport of ['websocket', 'polling'] as const) {
  test(`a server that stops while the database is slow loses nothing that stock clients write, by ${transport}`, async ({
    database,
  }) => {
    await withoutMessages(database)
    const refused: unknown[] = []
    const widgets: Socket[] = []
    const write = (socket: Socket, message: string): void => void socket.emit('clientMessage', { message })
    let port = 0
    try {
      await withChat(database, {}, async ({ server, store, guest }) => {
        port = server.port
        for (const name of ['ana', 'bea']) widgets.push(widget(port, name, transport))
        const [ana, bea] = widgets as [Socket, Socket]
        for (const socket of widgets) socket.on('refused', (refusal) => refused.push(refusal))
        const asking = await guest('maria', {}, transport)
        write(ana, 'before')
        await until(async () => expect(await textsOf(database, 'ana')).toEqual(['before']), { what: 'stored' })
        await whileBlocked(database, async (release) => {
          write(ana, 'in flight')
          const answer = asking.ask('clientMessage', { message: 'asked', messageId: 'asked' })
          await until(() => store.getLoad().queue.messages === 2, { what: 'two messages are being saved' })
          const closed = server.close()
          // The clients notice before the database goes on.
          await until(() => !ana.connected && !bea.connected, { what: 'the widgets are disconnected' })
          write(ana, 'meanwhile')
          write(bea, 'meanwhile')
          await release()
          expect(await answer).toMatchObject({ ok: true, duplicate: false })
          await closed
        })
      })
      const store = createChatStore({ databaseUrl: database.url })
      await withChat(database, { port, store }, async () => {
        const stored = async (): Promise<void> => {
          expect(await textsOf(database, 'ana')).toEqual(['before', 'in flight', 'meanwhile'])
          expect(await textsOf(database, 'bea')).toEqual(['meanwhile'])
        }
        await until(stored, { what: 'all is stored' })
      })
      expect(await textsOf(database, 'maria')).toEqual(['asked'])
      expect(refused).toEqual([])
    } finally {
      for (const socket of widgets) socket.disconnect()
    }
  })
}

for (const transports of [['polling', 'websocket'], ['polling'], ['websocket']] as const)
  for (const place of ['an event', 'the handshake'] as const)
    test(`a server that stops when a stock client has just come back stores what it had buffered: ${transports.join()}, join in ${place}`, async ({
      database,
    }) => {
      await withoutMessages(database)
      const lines: string[] = []
      const output = { write: (line: string) => lines.push(line) }
      const log = createChatLog({ level: 'debug', format: 'json', output })
      await withChat(database, { log }, async ({ server }) => {
        const join = { role: 'client', username: 'ana' }
        const options = { path: '/chat', transports: [...transports], forceNew: true, reconnection: false }
        const url = `http://127.0.0.1:${server.port}`
        const ana = io(url, { ...options, ...(place === 'an event' ? {} : { auth: join }) })
        try {
          if (place === 'an event') ana.on('connect', () => ana.emit('join', join))
          for (const message of ['1', '2', '3']) ana.emit('clientMessage', { message })
          await until(() => lines.join().includes('"connected"'), { what: 'the server has let it in' })
          await server.close()
          expect(await textsOf(database, 'ana')).toEqual(['1', '2', '3'])
        } finally {
          ana.disconnect()
        }
      })
    })

test('a message without acknowledgement is stored although another transaction holds its guest for longer than the stop', async ({
  database,
}) => {
  await withoutMessages(database)
  const widgets: Socket[] = []
  const holder = await database.client()
  try {
    await withChat(database, {}, async ({ server, store, log }) => {
      const ana = widget(server.port, 'ana', 'websocket')
      widgets.push(ana)
      ana.emit('clientMessage', { message: 'before' })
      await until(async () => expect(await textsOf(database, 'ana')).toEqual(['before']), { what: 'stored' })
      await holder.query('BEGIN; SELECT FROM "Client" FOR UPDATE')
      ana.emit('clientMessage', { message: 'in flight' })
      await until(() => store.getLoad().queue.messages === 1, { what: 'a message is being saved' })
      const closed = server.close()
      ana.emit('clientMessage', { message: 'in the instant of the stop' })
      await closed
      const texts = [...(await textsOf(database, 'ana'))].sort()
      expect(texts).toEqual(['before', 'in flight', 'in the instant of the stop'])
      expect(log.join()).not.toMatch(/drain_incomplete|event_refused/)
    })
  } finally {
    await holder.query('ROLLBACK')
    for (const socket of widgets) socket.disconnect()
  }
})
