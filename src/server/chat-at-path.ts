import { Server } from 'socket.io'
import type { ChatIoServer, ChatSocket } from './chat-io.js'
import type { ChatWebOptions } from './chat-options.js'
import type { PreparedChat } from './prepare-chat.js'
import { createAdmission } from './protection/admission.js'
import { packetBytesFor, pingTimeoutMsFor } from './protection/packet-size.js'
import { reportLargeFrames, reportLargePosts } from './protection/large-packets.js'
import { limitConnections } from './protection/connection-limit.js'
import { createRemoteAddress } from './protection/remote-address.js'
import { createOwnHosts, type OwnHosts } from './protection/own-hosts.js'
import { TEXT_PARSER } from './protection/text-parser.js'
import { createWebOrigins } from './protection/web-origins.js'
import { runChat, type RunningChat } from './run-chat.js'
import { flushAndDisconnect } from './shut-down.js'
import { explainRefusals, TRANSPORTS } from './http/explain-refusals.js'
import type { OwnPath } from './http/own-path.js'

/** The rules of a chat for what browsers may do. @throws OperatorError `invalid_option` */
export const readWebRules = ({ corsOrigin, publicHost }: ChatWebOptions, listenHost: string): WebRules => {
  const origins = listOf(corsOrigin)
  return {
    isClosed: origins.length === 0,
    allowsAll: origins.includes('*'),
    allowsOrigin: createWebOrigins(origins),
    ownHosts: createOwnHosts(listenHost, listOf(publicHost)),
  }
}

export interface WebRules {
  /** Whether no other site may connect. */
  readonly isClosed: boolean
  readonly allowsAll: boolean
  readonly allowsOrigin: (origin: string) => boolean
  readonly ownHosts: OwnHosts
}

export interface EnginePlace {
  readonly own: OwnPath
  readonly web: WebRules
  readonly transports: ChatWebOptions['transports']
}

/** Runs a chat with a Socket.IO server of its own, below a path of an HTTP server, which `close` leaves as it was. */
export const runChatAtPath = (
  prepared: PreparedChat,
  { own, web, transports = TRANSPORTS }: EnginePlace,
): RunningChat => {
  const { inFlight, limits, cluster, warnRarely } = prepared
  own.take(transports.includes('websocket') ? 'taken' : 'left')
  const packetBytes = packetBytesFor(limits.maxMessageBytes)
  const server: ChatIoServer = new Server(own.http, {
    path: own.path,
    transports: [...transports],
    serveClient: false,
    maxHttpBufferSize: packetBytes,
    pingTimeout: pingTimeoutMsFor(limits.maxMessageBytes),
    connectTimeout: limits.joinTimeoutMs,
    parser: TEXT_PARSER,
    allowRequest: createAdmission({ inFlight, ...web, warnRarely }),
    adapter: cluster.adapter,
    ...(web.isClosed ? {} : { cors: { origin: web.allowsAll ? '*' : answerTo(web.allowsOrigin) } }),
  })
  explainRefusals(server, transports, warnRarely)
  const addressOf = createRemoteAddress(prepared.options.trustProxy ?? 0)
  const parts = { packetBytes, setting: '--max-message-bytes', addressOf, warnRarely }
  own.http.on('request', (request, response) => reportLargePosts(request, response, parts))
  server.engine.on('connection', (connection: ChatSocket['conn']) => reportLargeFrames(connection, parts))
  const io = server.sockets
  const chat = runChat(prepared, {
    io,
    connections: 'own',
    limitConnections: (pools, addressOf) => limitConnections(server, io, pools, addressOf),
    disconnect: () => flushAndDisconnect(io),
  })
  // A client keeps what it has buffered until it is let in.
  io.use((_socket, next) => {
    if (!inFlight.closing) next()
  })
  const close = async (): Promise<void> => {
    await chat.close()
    await server.close()
    own.close()
  }
  let closing: Promise<void> | undefined
  return { ...chat, close: () => (closing ??= close()) }
}

type AnswerOrigin = (origin: string | undefined, answer: (error: null, allowed: boolean) => void) => void

const answerTo =
  (allowsOrigin: (origin: string) => boolean): AnswerOrigin =>
  (origin, answer) =>
    answer(null, origin !== undefined && allowsOrigin(origin))

const listOf = (given: string | readonly string[] = []): readonly string[] =>
  typeof given === 'string' ? [given] : given
