import { io, type Socket } from 'socket.io-client'
import { createChatStore, type ChatStore } from '../../src/persistence/chat-store.js'
import { createChatLog } from '../../src/server/log.js'
import { startChatServer, type ChatServer, type ChatServerOptions } from '../../src/server/chat-server.js'
import { rowIdsOf } from './row-ids.js'
import { migrated } from './chat.js'
import { expect, test as base, type TestDatabase } from './database.js'
import { until } from './until.js'

export const SECRET = 'correct horse battery staple'

const rowIdWith = rowIdsOf(SECRET)

/** The id of the row that an acknowledgement is about, a guest's as well. */
export const rowIdOf = ({ id }: Pick<Ack, 'id'>): number => rowIdWith(id)

/** A data URL of that many characters. */
export const imageOf = (characters: number): string => 'data:image/png;base64,'.padEnd(characters, 'A')

/** An acknowledgement as a client gets it; its fields depend on the event. */
export interface Ack {
  readonly ok: boolean
  readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean }
  /** Opaque for guests. */
  readonly id: number | string
  readonly messageId: string
  readonly duplicate: boolean
  readonly token: string
  readonly clientId: string
  readonly messages: readonly Readonly<Record<string, unknown>>[]
  readonly chats: readonly Readonly<Record<string, unknown>>[]
  readonly nextBefore: string | null
  readonly marked: number
}

export interface Received {
  readonly event: string
  readonly payload: unknown
}

/** A client of the official library. */
export interface Peer {
  readonly socket: Socket
  /** Everything that it received, except `joined` and `position`. */
  readonly received: readonly Received[]
  /** Emits and waits for the acknowledgement. */
  readonly ask: (event: string, ...args: readonly unknown[]) => Promise<Ack>
  /** Payloads of one event so far. */
  readonly all: (event: string) => readonly unknown[]
  /** Waits until the event has come that many times. @returns the payload of the last one */
  readonly next: (event: string, count?: number) => Promise<Record<string, unknown>>
  /** Waits until the connection has ended. @returns the library's reason */
  readonly disconnected: () => Promise<string>
}

export interface JoinedGuest extends Peer {
  readonly token: string
  readonly clientId: string
}

export type Transport = 'websocket' | 'polling'

export interface TestChat {
  readonly database: TestDatabase
  readonly store: ChatStore
  readonly server: ChatServer
  /** Each line of the log, as JSON. */
  readonly log: readonly string[]
  readonly guest: (
    username: string,
    join?: Readonly<Record<string, unknown>>,
    transport?: Transport,
  ) => Promise<JoinedGuest>
  readonly operator: (name: string, operatorId?: number | null) => Promise<Peer>
  /** A client that is connected and has not joined. */
  readonly connect: (
    transport?: Transport,
    headers?: Readonly<Record<string, string>>,
    localAddress?: string,
  ) => Promise<Peer>
}

/** Starts a server on a migrated database and connects clients to it; closes everything when the work is over. */
export const withChat = async (
  database: TestDatabase,
  options: Partial<ChatServerOptions>,
  work: (chat: TestChat) => Promise<void>,
): Promise<void> => {
  const store = options.store ?? createChatStore({ databaseUrl: database.url })
  const log: string[] = []
  const server = await startChatServer({
    port: 0,
    operatorSecret: SECRET,
    eventsPerSecond: 0,
    log: createChatLog({ level: 'info', format: 'json', output: { write: (line) => log.push(line) } }),
    ...options,
    store,
  })
  const sockets: Socket[] = []
  const connect: TestChat['connect'] = async (transport = 'websocket', headers = {}, localAddress) => {
    const socket = await connectTo(server.port, transport, headers, localAddress)
    sockets.push(socket)
    return toPeer(socket)
  }
  const guest: TestChat['guest'] = async (username, join = {}, transport = 'websocket') => {
    const peer = await connect(transport)
    const { token, clientId } = expectOk(await peer.ask('join', { role: 'client', username, ...join }))
    return { ...peer, token, clientId }
  }
  const operator: TestChat['operator'] = async (name, operatorId = null) => {
    const peer = await connect()
    expectOk(await peer.ask('join', { role: 'operator', name, operatorId, token: SECRET }))
    return peer
  }
  try {
    await work({ database, store, server, log, connect, guest, operator })
  } finally {
    for (const socket of sockets) socket.disconnect()
    await server.close()
    await store.close()
  }
}

/** Brings the database to the application's tables after `chatkeep migrate`, with users and clients but no messages. */
export const withoutMessages = async (database: TestDatabase): Promise<void> => {
  await migrated(database, 'crm-before')
  await database.query('TRUNCATE "ChatMessage"')
}

/** `test` with a server on a database of its own. */
export const test = base.extend<{ chat: TestChat }>({
  chat: async ({ database }, use) => {
    await withoutMessages(database)
    await withChat(database, {}, use)
  },
})

export const expectOk = (ack: Ack): Ack => {
  expect(ack.error).toBeUndefined()
  expect(ack.ok).toBe(true)
  return ack
}

/** Connects, or rejects with the library's `connect_error`. */
export const connectTo = async (
  port: number,
  transport: Transport = 'websocket',
  extraHeaders: Readonly<Record<string, string>> = {},
  localAddress?: string,
): Promise<Socket> => {
  // For WebSockets the library passes it on, though its types do not know it.
  const from = localAddress === undefined ? {} : { localAddress }
  const socket = io(`http://127.0.0.1:${port}`, {
    ...from,
    path: '/chat',
    transports: [transport],
    forceNew: true,
    reconnection: false,
    extraHeaders: { ...extraHeaders },
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return socket
}

const toPeer = (socket: Socket): Peer => {
  const received: Received[] = []
  const everything: Received[] = []
  socket.onAny((event: string, payload: unknown) => {
    everything.push({ event, payload })
    if (event !== 'joined' && event !== 'position') received.push({ event, payload })
  })
  const end = new Promise<string>((resolve) => {
    socket.once('disconnect', resolve)
  })
  const all = (event: string): readonly unknown[] =>
    everything.filter((one) => one.event === event).map(({ payload }) => payload)
  return {
    socket,
    received,
    all,
    ask: async (event, ...args) => (await socket.timeout(15_000).emitWithAck(event, ...args)) as Ack,
    next: async (event, count = 1) => {
      await until(() => all(event).length >= count, { what: `${count} of ${event}`, intervalMs: 5 })
      return all(event)[count - 1] as Record<string, unknown>
    },
    disconnected: () => end,
  }
}

/** Blocks writes to the messages, but not reads, until `release` is called or the work is over. */
export const whileBlocked = async (
  database: TestDatabase,
  work: (release: () => Promise<unknown>) => Promise<void>,
): Promise<void> => {
  const client = await database.client()
  const release = (): Promise<unknown> => client.query('COMMIT')
  await client.query('BEGIN')
  await client.query('LOCK TABLE "ChatMessage" IN SHARE MODE')
  try {
    await work(release)
  } finally {
    await release()
  }
}

/** Waits until that many sessions of the database wait for a lock. */
export const untilWaiting = async (database: TestDatabase, sessions: number): Promise<void> => {
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  await until(async () => expect(await database.query(waiting)).toHaveLength(sessions), {
    what: `${sessions} sessions wait for a lock`,
  })
}
