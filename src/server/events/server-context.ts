import type { ChatLog } from '../../chat-log.js'
import type { SerialQueue } from '../../concurrency/serial-queue.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import type { ChatIo, ChatSocket, Listener } from '../chat-io.js'
import type { Peers } from '../cluster/peers.js'
import type { MessageSink } from '../keeping/message-sink.js'
import type { Announce } from './announce.js'
import type { Answer } from './answering.js'

/** What all listeners of a server share. */
export interface ServerContext {
  readonly io: ChatIo
  readonly store: ChatStore
  /** Where messages go to be kept, whether the database is there or not. */
  readonly sink: MessageSink
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
export interface SocketSession {
  readonly socket: ChatSocket
  readonly inOrder: SerialQueue
  /** The secret by which its guest comes back as itself. Never logged, never sent to anybody else, no other server included. */
  guestToken?: string | undefined
}

/** The listeners of a group of events, by the events' names. */
export type Listeners = Readonly<Record<string, Listener>>
