import { once } from 'node:events'
import type { ChatLog } from '../chat-log.js'
import type { InFlight } from '../concurrency/in-flight.js'
import { within } from '../concurrency/within.js'
import type { ChatIo } from './chat-io.js'
import type { Cluster } from './cluster/cluster.js'
import type { Departures } from './cluster/departures.js'
import type { Peers } from './cluster/peers.js'
import type { MessageSink } from './keeping/message-sink.js'

// Together, with what the server itself takes, below the 10 s that containers are commonly given to stop.
const IN_FLIGHT_DEADLINE_MS = 5_000
const JOURNAL_DEADLINE_MS = 2_000
const FLUSH_DEADLINE_MS = 1_000

export interface RunningParts {
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
 * Shuts a chat down: refuses new requests, waits for those in flight, closes the journal, delivers what is buffered, ends all
 * connections and leaves the cluster. No step waits longer than its deadline.
 */
export const shutDown = async ({
  inFlight,
  sink,
  peers,
  departures,
  cluster,
  disconnect,
  log,
}: RunningParts): Promise<void> => {
  const givenUp = await inFlight.drain(IN_FLIGHT_DEADLINE_MS)
  if (givenUp > 0)
    log.warn({ event: 'drain_incomplete', requests: givenUp }, 'requests were not finished; their senders repeat them')
  await within(JOURNAL_DEADLINE_MS, sink.close())
  // First, so that the other servers know that the guests of this one are about to come to them.
  departures.close()
  peers.close()
  await within(FLUSH_DEADLINE_MS, disconnect())
  await cluster.close()
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
