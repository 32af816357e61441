import type { ChatLog } from '../../chat-log.js'
import type { OperatorError } from '../../errors.js'
import type { ChatStore } from '../../persistence/chat-store.js'
import type { ChatIo, ChatSocket, Listener } from '../chat-io.js'
import type { Departures } from '../cluster/departures.js'
import type { Peers } from '../cluster/peers.js'
import type { ServerObserver } from '../metrics/observer.js'
import type { MessageSink } from '../keeping/message-sink.js'
import type { ConnectionPlace } from '../protection/connection-pools.js'
import type { ChatLimits } from '../protection/limits.js'
import type { Traffic } from '../protection/traffic.js'
import type { OpaqueText } from '../../protocol/opaque-text.js'
import type { ImageSources } from '../../protocol/image.js'
import type { OperatorAccess } from '../operators/operator-access.js'
import type { Announce } from './announce.js'
import type { Answer } from './answering.js'
import type { EventGate } from './event-gate.js'
import type { GuestFeed } from './guest-feed.js'
import type { RequestQueue } from './request-queue.js'

/** What the listeners of a socket share. */
export interface ServerContext {
  readonly io: ChatIo
  /** Whether the application uses the connections for others than the chat. */
  readonly connections: 'own' | 'shared'
  readonly store: ChatStore
  /** Keeps messages, whether or not the database is available. */
  readonly sink: MessageSink
  /** Sends a committed message to the other participants. */
  readonly announce: Announce
  readonly peers: Peers
  readonly departures: Departures
  /** Acknowledges the events of this socket. */
  readonly answer: Answer
  readonly operatorAccess: OperatorAccess
  /** Which images a message may have. */
  readonly images: ImageSources
  readonly limits: Pick<ChatLimits, 'maxMessageBytes'>
  /** Hides from guests what ids and cursors tell: how busy all chats are. */
  readonly opaque: OpaqueText
  readonly observer: ServerObserver
  readonly log: ChatLog
}

/** One socket, and the queue in which its requests to the store run in the order of their arrival. */
export interface SocketSession {
  readonly socket: ChatSocket
  readonly inOrder: RequestQueue
  readonly place: ConnectionPlace
  /** Shared by the guests of the socket's address. */
  readonly traffic: Traffic
  /** Identifies the guest on return. Never logged, and sent only to the guest, not even to other servers. */
  guestToken?: string | undefined
  /** Its join was refused for this reason: it is about to be disconnected, and whatever else it sent is dropped. */
  refusal?: OperatorError
  readonly gate: EventGate
  /** What operators write to the guest of the socket. */
  readonly feed: GuestFeed
}

/** The listeners of a group of events, by the events' names. */
export type Listeners = Readonly<Record<string, Listener>>
