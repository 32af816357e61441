import { OperatorError } from '../errors.js'
import { leastPacketBytesFor } from '../protocol/packet-size.js'
import { serverClosing } from '../protocol/refusals.js'
import type { ChatIo, ChatIoServer } from './chat-io.js'
import type { PreparedChat } from './prepare-chat.js'
import { limitSockets, toConnectError } from './protection/connection-limit.js'
import { reportLargePacketsIn, type HttpRequests } from './protection/large-packets.js'
import { LIMITS } from './protection/limits.js'
import { maxMessageBytesIn } from './protection/packet-size.js'
import { createRemoteAddress } from './protection/remote-address.js'
import { runChat, type RunningChat } from './run-chat.js'

/** What a chat needs of a Socket.IO server. */
export interface NamespaceServer extends Pick<ChatIoServer, 'of' | '_opts'> {
  /** Absent until it is attached to an HTTP server. */
  readonly engine?: { readonly opts?: { readonly maxHttpBufferSize?: number } }
  /** Absent until then, and where the requests are not those of an HTTP server of Node. */
  readonly httpServer?: HttpRequests
}

export interface NamespaceOptions {
  readonly name: string
  readonly maxMessageBytes: number
  readonly prepare: () => Promise<PreparedChat>
}

/**
 * Runs a chat in a namespace of a Socket.IO server of the application. What belongs to the whole connection (origins, transports,
 * sizes, what a slow reader leaves unread) stays the application's.
 * @throws OperatorError `invalid_option`
 */
export const runChatInNamespace = async (
  server: NamespaceServer,
  { name, maxMessageBytes, prepare }: NamespaceOptions,
): Promise<RunningChat> => {
  refuseRecovery(server)
  refuseSmallPackets(server, maxMessageBytes)
  const io: ChatIo = server.of(name)
  if (taken.has(io)) throw inUse(`a chat is, or was, attached to the namespace ${io.name}`)
  if (io.listenerCount('connection') > 0) throw inUse(`the namespace ${io.name} has listeners of its own`)
  taken.add(io)
  const prepared = await prepare().catch((error: unknown) => {
    taken.delete(io)
    throw error
  })
  let endLeft = (): void => undefined
  const left = new Promise<void>((resolve) => (endLeft = resolve))
  const chat = runChat(prepared, {
    io,
    connections: 'shared',
    limitConnections: (pools, addressOf) => limitSockets(io, pools, addressOf),
    disconnect: () => {
      setTimeout(() => {
        io.local.disconnectSockets()
        endLeft()
      }, LEFT_TO_APPLICATION_MS).unref()
      return Promise.resolve()
    },
  })
  // A middleware cannot be taken out again.
  io.use((_socket, next) => {
    if (!prepared.inFlight.closing) next()
    else void left.then(() => next(toConnectError(serverClosing())))
  })
  const stopReporting = reportLargePacketsIn(io, () => server.httpServer, {
    packetBytes: packetBytesOf(server),
    setting: 'maxHttpBufferSize of the Socket.IO server',
    addressOf: createRemoteAddress(prepared.options.trustProxy ?? 0),
    warnRarely: prepared.warnRarely,
  })
  return {
    ...chat,
    close: async () => {
      await chat.close()
      stopReporting()
    },
  }
}

/**
 * A client of Socket.IO reconnects by itself when its connection ends, but not after a `disconnect` or a refusal of the server. An
 * application that stops ends the connections right after the chat: until then the chat's sockets stay, answered with
 * `server_closing`, and new ones wait. In an application that goes on they end after this time.
 */
const LEFT_TO_APPLICATION_MS = 5_000

/** For good: what a closed chat leaves refuses every socket. */
const taken = new WeakSet<ChatIo>()

const inUse = (reason: string): OperatorError =>
  new OperatorError('invalid_option', reason, { hint: 'choose another with the option namespace' })

// It restores rooms and resends what was missed without asking again who the operator is.
const refuseRecovery = ({ _opts }: NamespaceServer): void => {
  if (_opts.connectionStateRecovery !== undefined)
    throw new OperatorError('invalid_option', 'the Socket.IO server has connectionStateRecovery', {
      hint: 'leave that option out, or attach the chat to the HTTP server',
    })
}

/** Socket.IO's own default. */
const DEFAULT_PACKET_BYTES = 1_000_000

const packetBytesOf = ({ engine, _opts }: NamespaceServer): number =>
  engine?.opts?.maxHttpBufferSize ?? _opts.maxHttpBufferSize ?? DEFAULT_PACKET_BYTES

// It ends a connection that sends a larger packet, without a word, and a widget sends the message again on the next one.
const refuseSmallPackets = (server: NamespaceServer, maxMessageBytes: number): void => {
  const most = packetBytesOf(server)
  const needed = leastPacketBytesFor(maxMessageBytes)
  if (most >= needed) return
  throw new OperatorError(
    'invalid_option',
    `the Socket.IO server ends connections that send more than ${most} bytes, and a message of ${maxMessageBytes} bytes (maxMessageBytes) may take ${needed}`,
    { hint: `create the Socket.IO server with maxHttpBufferSize: ${needed}${orSmallerMessages(most)}` },
  )
}

const orSmallerMessages = (packetBytes: number): string => {
  const fitting = maxMessageBytesIn(packetBytes)
  return fitting < LIMITS.maxMessageBytes.least ? '' : `, or attach the chat with maxMessageBytes: ${fitting}`
}
