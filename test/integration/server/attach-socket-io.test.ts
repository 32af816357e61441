import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { attachChatServer, createChatStore, type AttachChatServerOptions } from '../../../src/index.js'
import { createChatLog } from '../../../src/server/log.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { withoutMessages, type Ack } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

interface Application {
  readonly port: number
  readonly log: readonly { readonly event: string }[]
  readonly closeChat: () => Promise<void>
  /** The rest of what docs/library.md says, in its order. */
  readonly closeOthers: () => Promise<void>
}

/** An application with a chat in a namespace of its Socket.IO server. */
const start = async (
  { url: databaseUrl }: TestDatabase,
  port: number,
  options: Partial<AttachChatServerOptions> = {},
  maxHttpBufferSize = 8 * 1_048_576,
): Promise<Application> => {
  const http = createServer()
  const server = new Server(http, { maxHttpBufferSize })
  const store = createChatStore({ databaseUrl })
  const log: { readonly event: string }[] = []
  const write = (line: string): void => void log.push(JSON.parse(line) as { event: string })
  const chat = await attachChatServer(server, {
    ...{ store, log: createChatLog({ level: 'info', format: 'json', output: { write } }) },
    ...options,
  })
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
  return {
    port: (http.address() as AddressInfo).port,
    log,
    closeChat: () => chat.close(),
    closeOthers: async () => {
      await server.close()
      await store.close()
    },
  }
}

/** A widget of the official library that does what docs/serve.md says, and no more. */
const connect = (port: number, name: string, options: Partial<ManagerOptions & SocketOptions>): Socket => {
  const times = { reconnectionDelay: 50, reconnectionDelayMax: 100 }
  const socket = io(`http://127.0.0.1:${port}/${name}`, { forceNew: true, ...times, ...options })
  socket.on('connect', () => socket.emit('join', { role: 'client', username: 'ana' }))
  return socket
}

const textsIn = async (database: TestDatabase): Promise<readonly string[]> => {
  const rows = await database.query<{ text: string }>('SELECT "text" FROM "ChatMessage" ORDER BY "id"')
  return rows.map(({ text }) => text)
}

for (const transport of ['websocket', 'polling'] as const) {
  test(`stock clients come back by themselves after a restart, with what they buffered, by ${transport}`, async ({
    database,
  }) => {
    await withoutMessages(database)
    const transports = [transport]
    const stored = (texts: readonly string[]): Promise<void> =>
      until(async () => expect(await textsIn(database)).toEqual(texts), { what: `stored: ${texts.join(' ')}` })
    let application = await start(database, 0)
    const { port } = application
    const ana = connect(port, 'chat', { transports })
    const late = connect(port, 'chat', { transports, autoConnect: false })
    const acks: Ack[] = []
    const write = (socket: Socket, message: string): void =>
      void socket.emit('clientMessage', { message, messageId: message }, (ack: Ack) => acks.push(ack))
    try {
      write(ana, 'before')
      await stored(['before'])
      await application.closeChat()
      // Whoever comes between the two steps waits.
      const isOpen = new Promise((resolve) => late.io.once('open', () => resolve(true)))
      late.connect()
      expect(await isOpen).toBe(true)
      expect(await ana.timeout(15_000).emitWithAck('history')).toMatchObject({ error: { code: 'server_closing' } })
      await application.closeOthers()
      await until(() => !ana.connected, { what: 'the client has noticed' })
      for (const message of ['1', '2']) write(ana, message)
      application = await start(database, port)
      await stored(['before', '1', '2'])
      write(late, '3')
      await stored(['before', '1', '2', '3'])
      await until(() => acks.length === 4, { what: 'all are acknowledged' })
      expect(acks.map(({ ok }) => ok)).toEqual([true, true, true, true])
    } finally {
      for (const socket of [ana, late]) socket.disconnect()
      await application.closeChat()
      await application.closeOthers()
    }
  })

  test(`the log names who of the chat was cut off for too large a packet, by ${transport}`, async ({ database }) => {
    await withoutMessages(database)
    const packetBytes = 7 * 1_024 + 65_536
    const application = await start(database, 0, { maxMessageBytes: 1_024 }, packetBytes)
    const cut = async (name: string): Promise<void> => {
      const socket = connect(application.port, name, { transports: [transport], reconnection: false })
      await new Promise((resolve) => socket.once('connect', () => resolve(true)))
      const ended = new Promise((resolve) => socket.once('disconnect', resolve))
      socket.emit('clientMessage', { message: 'x'.repeat(packetBytes) })
      await ended
    }
    const warnings = (): readonly object[] => application.log.filter(({ event }) => event === 'packet_too_large')
    try {
      // Of the application's own namespace nothing is said.
      await cut('')
      expect(warnings()).toEqual([])
      await cut('chat')
      const text = expect.stringContaining('maxHttpBufferSize of the Socket.IO server') as string
      await until(
        () => expect(warnings()).toMatchObject([{ level: 'warn', address: '127.0.0.1', packetBytes, text }]),
        {
          what: 'the packet is logged',
        },
      )
    } finally {
      await application.closeChat()
      await application.closeOthers()
    }
  })
}
