import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { Socket as TcpSocket } from 'node:net'
import { Server } from 'socket.io'
import type { ChatStore } from '../persistence/chat-store.js'
import { createAdmission } from './protection/admission.js'
import { confirm, createAnnouncer } from './events/announce.js'
import { serveSocket, type ServerParts } from './serve-socket.js'
import { SILENT_LOG, type ChatLog } from '../chat-log.js'
import type { ChatIo } from './chat-io.js'
import { joinCluster, type ClusterOptions } from './cluster/cluster.js'
import { connectedContact, findContact } from './events/conversation.js'
import { createInFlight } from '../concurrency/in-flight.js'
import { within } from '../concurrency/within.js'
import { createHealthListener } from './http/health.js'
import { createMessageSink } from './keeping/create-message-sink.js'
import { limitsFrom, type ChatLimits } from './protection/limits.js'
import { authorityOf, listen } from './http/listen.js'
import { openJournal, type JournalOptions } from '../journal/open-journal.js'
import { createQuotas } from './protection/quota.js'
import { tooManyConnections } from '../protocol/refusals.js'
import type { Recorder } from '../transcripts/recorder.js'

export interface ChatServerOptions extends Partial<Readonly<Record<keyof ChatLimits, number | undefined>>> {
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
  /** Takes messages while the database is away; without it they are refused as `database_unavailable`. */
  readonly journal?: JournalOptions | undefined
  /** Makes this and the other servers on one database behave as one; each is on its own when absent. */
  readonly adapter?: ClusterOptions | undefined
  /** Stays the caller's: it is told of every message that this server commits, never closed. */
  readonly recorder?: Recorder | undefined
  /** Silent when absent. */
  readonly log?: ChatLog | undefined
}

export interface ChatServer {
  /** Where it listens, e.g. `http://127.0.0.1:3001/chat`: connect with `io('http://127.0.0.1:3001', { path: '/chat' })`. */
  readonly url: string
  readonly port: number
  /**
   * Refuses what is new, lets messages under way finish and be acknowledged, then ends all connections; within about 9 seconds
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
const JOURNAL_DEADLINE_MS = 2_000
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
    adapter,
    log = SILENT_LOG,
  } = options
  const limits = limitsFrom(options)
  const secret = operatorSecret === '' ? undefined : operatorSecret
  const cluster = await joinCluster({
    options: adapter,
    operatorSecret: secret,
    mayConnectLater: options.journal !== undefined,
    log,
  })
  const journal = options.journal && (await openJournal(options.journal, log).catch(afterClosing(cluster)))
  const inFlight = createInFlight()
  const http = createServer(createHealthListener({ store, inFlight, journalState: () => sink.journalState(), log }))
  const connections = trackConnections(http)
  const actualPort = await listen(http, host, port).catch(afterClosing(cluster, journal))
  // A failing accept (too many open files) costs that connection, not the server.
  http.on('error', (error) => log.error({ event: 'server_error', reason: error.message }, 'the server met an error'))

  const origins = typeof corsOrigin === 'string' ? [corsOrigin] : [...corsOrigin]
  const io: ChatIo = new Server(http, {
    path: PATH,
    serveClient: false,
    maxHttpBufferSize: MAX_PACKET_BYTES,
    allowRequest: createAdmission({ inFlight, origins, log }),
    adapter: cluster.adapter,
    ...(origins.length === 0 ? {} : { cors: { origin: origins.includes('*') ? '*' : origins } }),
  })
  const present = { io, store, peers: cluster.meet(io) }
  const announce = createAnnouncer(io)
  const sink = createMessageSink(
    {
      store,
      findContact: (conversation) => findContact(present, conversation),
      connectedContact: (conversation) => connectedContact(present, conversation),
      onStored: (submission, saved) => {
        announce(submission, saved)
        confirm(io, submission, saved)
      },
      onCommitted: ({ message, operatorName }, { createdAt, duplicate }) => {
        if (!duplicate) options.recorder?.record({ message, createdAt, operatorName })
      },
      log,
    },
    journal,
  )
  const parts: ServerParts = {
    ...present,
    announce,
    sink,
    log,
    operatorSecret: secret,
    inFlight,
    limits,
    createQuota: createQuotas(limits),
  }
  io.use(admitUpTo(limits.maxConnections, io, log))
  io.on('connection', (socket) => serveSocket(parts, socket))

  const close = async (): Promise<void> => {
    const unfinished = await inFlight.drain(DRAIN_DEADLINE_MS)
    if (unfinished > 0)
      log.warn({ event: 'drain_incomplete', requests: unfinished }, 'requests were told to repeat themselves elsewhere')
    await within(JOURNAL_DEADLINE_MS, sink.close())
    await within(FLUSH_DEADLINE_MS, hangUp(io))
    present.peers.close()
    await cluster.close()
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

/** What was opened before a start failed is closed again; the first error wins. */
const afterClosing =
  (...opened: readonly ({ readonly close: () => Promise<void> } | undefined)[]) =>
  async (error: unknown): Promise<never> => {
    await Promise.allSettled(opened.map(async (one) => one?.close()))
    throw error
  }

// The connection itself is taken, since only then can the client be told why.
const admitUpTo =
  (most: number, io: ChatIo, log: ChatLog): Parameters<ChatIo['use']>[0] =>
  (socket, next) => {
    if (io.engine.clientsCount <= most) {
      next()
      return
    }
    log.warn({ event: 'too_many_connections', most }, 'a connection was refused: there are too many')
    const { code, message, retryable } = tooManyConnections(most)
    next(Object.assign(new Error(message), { data: { code, retryable } }))
    // The answer is written after this turn; what is in the buffer then is still sent.
    setImmediate(() => socket.conn.close())
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
