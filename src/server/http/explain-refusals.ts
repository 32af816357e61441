import type { ChatIoServer } from '../chat-io.js'
import type { WarnRarely } from '../../rare-log.js'

/** The ways in which clients of Socket.IO connect. */
export const TRANSPORTS = ['websocket', 'polling'] as const

export type Transport = (typeof TRANSPORTS)[number]

/** Of Engine.IO's protocol. */
const UNKNOWN_TRANSPORT = 0
const UNKNOWN_SESSION = 1

/** What Engine.IO reports of a request before it refuses it; the `message` of the context is the text of its answer. */
interface Refusal {
  readonly code: number
  readonly context: { message?: string }
}

/**
 * Lets the answer 400 say what is wrong: behind a load balancer without sticky sessions, a client that polls asks servers that do
 * not know its session.
 */
export const explainRefusals = (
  { engine }: Pick<ChatIoServer, 'engine'>,
  transports: readonly Transport[],
  warnRarely: WarnRarely,
): void => {
  engine.on('connection_error', ({ code, context }: Refusal) => {
    if (code === UNKNOWN_SESSION) {
      context.message =
        'unknown session: it has ended, or another server has it; behind a load balancer use WebSocket or sticky sessions'
      warnRarely(
        { event: 'session_unknown' },
        'request refused: its session has ended, or another server has it; behind a load balancer use sticky sessions or --transports websocket',
      )
    } else if (code === UNKNOWN_TRANSPORT && transports.length < TRANSPORTS.length) {
      const offered = transports.map((transport) => `'${transport}'`).join(', ')
      context.message = `this server does not offer this transport: connect with transports: [${offered}]`
      warnRarely(
        { event: 'transport_refused' },
        `connection refused: this transport is not among --transports ${transports.join(' ')}`,
      )
    }
  })
}
