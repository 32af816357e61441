import type { Namespace, Server, Socket } from 'socket.io'
import type { ServerToClientEvents } from '../protocol/outgoing.js'
import type { Participant } from '../protocol/participants.js'
import type { NamedOperator } from './named-operator.js'
import type { PeerNews } from './peer-news.js'

/** What Socket.IO calls with the arguments that a client sent. */
export type Listener = (...args: readonly unknown[]) => void

/** Untyped: what clients send is parsed by the listeners. */
type ClientToServerEvents = Readonly<Record<string, Listener>>

interface SocketData {
  /** Absent until the socket has joined. */
  participant?: Participant
  /** The line of the file that an operator's token is in. */
  named?: NamedOperator | undefined
}

/** What servers on one database send one another, apart from broadcasts. */
interface ServerToServerEvents {
  peers: (news: PeerNews) => void
  /** An operator's message, for the guests of the other servers. */
  answer: (sent: Readonly<Record<string, unknown>>) => void
}

/** The namespace of the chat. */
export type ChatIo = Namespace<ClientToServerEvents, ServerToClientEvents, ServerToServerEvents, SocketData>
export type ChatIoServer = Server<ClientToServerEvents, ServerToClientEvents, ServerToServerEvents, SocketData>
export type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, ServerToServerEvents, SocketData>
