import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WarnRarely } from '../../rare-log.js'
import type { ChatSocket } from '../chat-io.js'

type Connection = ChatSocket['conn']

/** Of ws; Engine.IO passes on its text alone. */
const TOO_LARGE = 'Max payload size exceeded'

const PAYLOAD_TOO_LARGE = 413

/** Engine.IO ends a connection that sends too large a packet, and says nothing: whoever looks for the reason finds it in the log. */
export interface LargePackets {
  readonly packetBytes: number
  readonly addressOf: (request: IncomingMessage) => string
  readonly warnRarely: WarnRarely
}

/** Of a connection by WebSocket. */
export const reportLargeFrames = (connection: Connection, parts: LargePackets): void => {
  // The second argument of Engine.IO's event, which the types do not declare.
  const onClose = (_reason: string, error?: unknown): void => {
    if (error instanceof Error && error.message.includes(TOO_LARGE)) report(parts, connection.request)
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

const report = ({ packetBytes, addressOf, warnRarely }: LargePackets, request: IncomingMessage): void =>
  warnRarely(
    { event: 'packet_too_large', address: addressOf(request), packetBytes },
    `connection ended: the client sent a packet of more than ${packetBytes} bytes, which was not read; see --max-message-bytes`,
  )
