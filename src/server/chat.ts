import type { DefaultEventsMap, Server, Socket } from 'socket.io'
import type { ChatStore } from '../persistence/chat-store.js'
import type { Answer, Listener } from './answering.js'
import type { ServerToClientEvents } from './outgoing.js'
import type { Participant } from './participants.js'
import type { Recorder } from './recorder.js'
import type { SerialQueue } from './serial-queue.js'

/** What clients send is not to be trusted before it is parsed. */
type ClientToServerEvents = Readonly<Record<string, Listener>>

interface SocketData {
  /** Absent until the socket has joined. */
  participant?: Participant
}

export type ChatIo = Server<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>
export type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>

/** What all listeners of a server share. */
export interface Chat {
  readonly io: ChatIo
  readonly store: ChatStore
  readonly answer: Answer
  /** Undefined: operators cannot join. */
  readonly operatorSecret: string | undefined
  /** Takes what is committed; undefined: nothing is recorded. */
  readonly recorder: Recorder | undefined
  /** Never given message texts, names or phone numbers. */
  readonly log: (line: string) => void
}

/** One socket and the queue in which everything that it asks of the store is done, in the order in which it asked. */
export interface Seat {
  readonly socket: ChatSocket
  readonly inOrder: SerialQueue
}

/** The listeners of a group of events, by the events' names. */
export type Listeners = Readonly<Record<string, Listener>>
