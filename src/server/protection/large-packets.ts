import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WarnRarely } from '../../rare-log.js'
import type { ChatIo, ChatSocket } from '../chat-io.js'

type Connection = ChatSocket['conn']

/** Of ws; Engine.IO passes on its text alone. */
const TOO_LARGE = 'Max payload size exceeded'

const PAYLOAD_TOO_LARGE = 413

/** Engine.IO ends a connection that sends too large a packet, and says nothing: the reason is found in the log. */
export interface LargePackets {
  readonly packetBytes: number
  /** What sets that size. */
  readonly setting: string
  readonly addressOf: (request: IncomingMessage) => string
  readonly warnRarely: WarnRarely
}

/** Of a connection by WebSocket. */
export const reportLargeFrames = (connection: Connection, parts: LargePackets): void => {
  // The second argument of Engine.IO's event, which the types do not declare.
  const onClose = (_reason: string, error?: unknown): void => {
    if (isTooLarge(error)) report(parts, connection.request)
  }
  connection.once('close', onClose)
}

/** Of a request by HTTP long polling. */
export const reportLargePosts = (request: IncomingMessage, response: ServerResponse, parts: LargePackets): void => {
  if (request.method !== 'POST') return
  response.once('finish', () => {
    if (response.statusCode === PAYLOAD_TOO_LARGE) report(parts, request)
  })
}

/** An HTTP server, as far as its requests are watched. */
export interface HttpRequests {
  on(event: 'request', listener: OnRequest): unknown
  off(event: 'request', listener: OnRequest): unknown
}

type OnRequest = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Of the connections with a socket in a namespace, whatever they carry besides: nobody reads for whom the packet was.
 * @param httpOf the HTTP server of the connections; it may be there only when the first comes
 * @returns a function that ends it
 */
export const reportLargePacketsIn = (
  io: ChatIo,
  httpOf: () => HttpRequests | undefined,
  parts: LargePackets,
): (() => void) => {
  const connections = new Set<string>()
  let http: HttpRequests | undefined
  const onRequest: OnRequest = (request, response) => {
    const sid = new URLSearchParams(request.url?.split('?')[1]).get('sid')
    if (sid !== null && connections.has(sid)) reportLargePosts(request, response, parts)
  }
  const onConnection = (socket: ChatSocket): void => {
    // That of its requests, which the types hide.
    const { id } = socket.conn as unknown as { readonly id: string }
    if (http === undefined) {
      http = httpOf()
      http?.on('request', onRequest)
    }
    connections.add(id)
    socket.on('disconnect', (_reason, error?: unknown) => {
      connections.delete(id)
      if (isTooLarge(error)) report(parts, socket.request)
    })
  }
  io.on('connection', onConnection)
  return () => {
    io.off('connection', onConnection)
    http?.off('request', onRequest)
  }
}

const isTooLarge = (error: unknown): boolean => error instanceof Error && error.message.includes(TOO_LARGE)

const report = ({ packetBytes, setting, addressOf, warnRarely }: LargePackets, request: IncomingMessage): void =>
  warnRarely(
    { event: 'packet_too_large', address: addressOf(request), packetBytes },
    `connection ended: the client sent a packet of more than ${packetBytes} bytes, which was not read; see ${setting}`,
  )
