import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { Socket as TcpSocket } from 'node:net'
import { Server } from 'socket.io'
import type { ChatStore } from '../persistence/chat-store.js'
import { createAdmission } from './admission.js'
import { createAnswer } from './answering.js'
import { attend } from './attend.js'
import type { Chat, ChatIo } from './chat.js'
import { createDrain, within } from './drain.js'
import { authorityOf, listen } from './listen.js'
import type { Recorder } from './recorder.js'

export interface ChatServerOptions {
  /** Stays the caller's: it is used, never closed. */
  readonly store: ChatStore
  /** 127.0.0.1 when absent. */
  readonly host?: string | undefined
  /** 3001 when absent; 0 takes a free one. */
  readonly port?: number | undefined
  /** What operators present at their join; without it they cannot join. */
  readonly operatorSecret?: string | undefined
  /** Web origins whose pages may connect, as `https://shop.example`; `*` for all. Only the server's own when absent. */
  readonly corsOrigin?: string | readonly string[] | undefined
  /** Stays the caller's: it is told of every message that this server commits, never closed. */
  readonly recorder?: Recorder | undefined
  /** Takes one line at a time; holds no message text, no name and no phone number. */
  readonly log?: ((line: string) => void) | undefined
}

export interface ChatServer {
  /** Where it listens, e.g. `http://127.0.0.1:3001/chat`: connect with `io('http://127.0.0.1:3001', { path: '/chat' })`. */
  readonly url: string
  readonly port: number
  /**
   * Refuses what is new, lets messages under way finish and be acknowledged, then ends all connections; within about 7 seconds
   * in any case. May be called twice. The store stays open.
   */
  close(): Promise<void>
}

export const DEFAULT_HOST = '127.0.0.1'
export const DEFAULT_PORT = 3001

const PATH = '/chat'

/** Well above the core's limit of 1 MiB a message, so that its named error answers one that is too large, and not a cut connection. */
const MAX_PACKET_BYTES = 8 * 1_048_576

// Together below the 10 s that containers are commonly given to stop.
const DRAIN_DEADLINE_MS = 5_000
const FLUSH_DEADLINE_MS = 1_000
const HANG_UP_DEADLINE_MS = 1_000

/**
 * Starts the socket server; resolves when it listens.
 * @throws OperatorError `address_in_use`, `address_not_available`, `address_not_permitted` or `cannot_listen`
 */
export const startChatServer = async (options: ChatServerOptions): Promise<ChatServer> => {
  const {
    store,
    host = DEFAULT_HOST,
    port = DEFAULT_PORT,
    operatorSecret,
    corsOrigin = [],
    log = () => undefined,
  } = options
  const http = createServer((_request, response) => response.writeHead(404).end())
  const connections = trackConnections(http)
  const actualPort = await listen(http, host, port)
  // A failing accept (too many open files) costs that connection, not the server.
  http.on('error', (error) => log(`the server met an error: ${error.message}`))

  const origins = typeof corsOrigin === 'string' ? [corsOrigin] : [...corsOrigin]
  const drain = createDrain()
  const io: ChatIo = new Server(http, {
    path: PATH,
    serveClient: false,
    maxHttpBufferSize: MAX_PACKET_BYTES,
    allowRequest: createAdmission({ drain, origins, log }),
    ...(origins.length === 0 ? {} : { cors: { origin: origins.includes('*') ? '*' : origins } }),
  })
  const chat: Chat = {
    io,
    store,
    log,
    recorder: options.recorder,
    operatorSecret: operatorSecret === '' ? undefined : operatorSecret,
    answer: createAnswer(drain, log),
  }
  io.on('connection', (socket) => attend(chat, socket))

  const close = async (): Promise<void> => {
    await drain.finish(DRAIN_DEADLINE_MS)
    await within(FLUSH_DEADLINE_MS, hangUp(io))
    const closed = io.close()
    await within(HANG_UP_DEADLINE_MS, closed)
    for (const connection of connections) connection.destroy()
    await closed
  }
  let closing: Promise<void> | undefined
  return {
    url: `http://${authorityOf(host, actualPort)}${PATH}`,
    port: actualPort,
    close: () => (closing ??= close()),
  }
}

const trackConnections = (http: HttpServer): ReadonlySet<TcpSocket> => {
  const connections = new Set<TcpSocket>()
  http.on('connection', (connection) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
  })
  return connections
}

/**
 * Ends every connection once what is buffered for it has been handed to the network. Below Socket.IO's own `disconnect`,
 * which would tell the clients not to come back.
 */
const hangUp = async (io: ChatIo): Promise<void> => {
  const ended = Array.from(io.sockets.sockets.values(), ({ conn }) => {
    const closed = once(conn, 'close')
    conn.close()
    return closed
  })
  await Promise.all(ended)
}
