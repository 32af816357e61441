import { once } from 'node:events'
import type { ChatLog } from '../chat-log.js'
import type { InFlight } from '../concurrency/in-flight.js'
import { within } from '../concurrency/within.js'
import type { ChatIo, ChatSocket } from './chat-io.js'
import type { Cluster } from './cluster/cluster.js'
import type { Departures } from './cluster/departures.js'
import type { Peers } from './cluster/peers.js'
import type { MessageSink } from './keeping/message-sink.js'

// Together, with what the server itself takes, below the 10 s that containers are commonly given to stop. Longer than a message waits for
// a guest's client that another transaction holds: after half of the store's deadline it is stored without.
const IN_FLIGHT_DEADLINE_MS = 6_000
/** How long nobody is disconnected, so that what is stored meanwhile is delivered. A healthy database needs a tenth of it. */
const DELIVERY_MS = 250
/** How long a client that polls may take to poll again. */
const POLL_DEADLINE_MS = 1_000
const JOURNAL_DEADLINE_MS = 2_000
const FLUSH_DEADLINE_MS = 1_000

export interface RunningParts {
  readonly io: ChatIo
  /** Whether the application uses the connections for others than the chat: they are then left to it. */
  readonly connections: 'own' | 'shared'
  readonly inFlight: InFlight
  readonly sink: MessageSink
  readonly peers: Peers
  readonly departures: Departures
  readonly cluster: Cluster
  /** Ends all connections, after their buffers were handed to the network. */
  readonly disconnect: () => Promise<void>
  readonly log: ChatLog
}

/**
 * Shuts a chat down: lets nobody new in, waits for the requests in flight, closes the journal, delivers what is buffered, ends all
 * connections and leaves the cluster. No step waits longer than its deadline.
 */
export const shutDown = async (parts: RunningParts): Promise<void> => {
  const { sink, peers, departures, cluster, disconnect, log } = parts
  // First, so that the other servers know that the guests of this one are about to come to them.
  departures.close()
  peers.close()
  const givenUp = await finish(parts)
  if (givenUp > 0)
    log.warn(
      { event: 'drain_incomplete', requests: givenUp },
      'requests were not finished; senders that asked for an acknowledgement repeat them',
    )
  await within(JOURNAL_DEADLINE_MS, sink.close())
  await within(FLUSH_DEADLINE_MS, disconnect())
  await cluster.close()
}

/**
 * Finishes the requests in flight. Meanwhile new ones are taken: what is refused to a stock client is lost. A connection on which nobody
 * waits for an answer, and nothing comes, ends early, as a client buffers what it writes without one.
 * @returns the number of requests that were given up
 */
const finish = async ({ io, connections, inFlight }: RunningParts): Promise<number> => {
  const deadline = performance.now() + IN_FLIGHT_DEADLINE_MS
  const leftMs = (): number => Math.max(0, deadline - performance.now())
  if (connections === 'own') {
    await inFlight.settle(DELIVERY_MS)
    await within(leftMs(), Promise.all(Array.from(io.sockets.values(), (socket) => endAnswered(socket, inFlight))))
  }
  await inFlight.settle(leftMs())
  return inFlight.drain(leftMs())
}

const endAnswered = async (socket: ChatSocket, inFlight: InFlight): Promise<void> => {
  await inFlight.answered(socket)
  await within(POLL_DEADLINE_MS, nextPoll(socket))
  socket.conn.close()
}

/** What is posted to a connection that is closing, until it polls again, is answered 200 and dropped by Socket.IO. */
const nextPoll = async ({ conn }: ChatSocket): Promise<void> => {
  while (conn.readyState === 'open' && !conn.transport.writable) await once(conn.transport, 'ready')
}

/**
 * Closes every connection after its buffer was handed to the network. Below Socket.IO's own `disconnect`, after which clients
 * do not reconnect.
 */
export const flushAndDisconnect = async (io: ChatIo): Promise<void> => {
  const ended = Array.from(io.sockets.values(), ({ conn }) => {
    const closed = once(conn, 'close')
    conn.close()
    return closed
  })
  await Promise.all(ended)
}
