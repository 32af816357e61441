import type { Server, Socket } from 'socket.io'
import type { ChatStore } from '../persistence/chat-store.js'
import type { Announce } from './announce.js'
import type { Answer, Listener } from './answering.js'
import type { Keeper } from './keeper.js'
import type { ChatLog } from './chat-log.js'
import type { ServerToClientEvents } from './outgoing.js'
import type { Participant } from './participants.js'
import type { PeerNews, Peers } from './peers.js'
import type { SerialQueue } from './serial-queue.js'

/** What clients send is not to be trusted before it is parsed. */
type ClientToServerEvents = Readonly<Record<string, Listener>>

interface SocketData {
  /** Absent until the socket has joined. */
  participant?: Participant
}

/** What servers on one database tell one another, beside the broadcasts. */
interface ServerToServerEvents {
  peers: (news: PeerNews) => void
}

export type ChatIo = Server<ClientToServerEvents, ServerToClientEvents, ServerToServerEvents, SocketData>
export type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, ServerToServerEvents, SocketData>

/** What all listeners of a server share. */
export interface Chat {
  readonly io: ChatIo
  readonly store: ChatStore
  /** Where messages go to be kept, whether the database is there or not. */
  readonly keeper: Keeper
  /** Tells the others of a message that is committed. */
  readonly announce: Announce
  readonly peers: Peers
  /** Of one socket. */
  readonly answer: Answer
  /** Undefined: operators cannot join. */
  readonly operatorSecret: string | undefined
  readonly log: ChatLog
}

/** One socket and the queue in which everything that it asks of the store is done, in the order in which it asked. */
export interface Seat {
  readonly socket: ChatSocket
  readonly inOrder: SerialQueue
  /** The secret by which its guest comes back as itself. Never logged, never sent to anybody else, no other server included. */
  guestToken?: string | undefined
}

/** The listeners of a group of events, by the events' names. */
export type Listeners = Readonly<Record<string, Listener>>
