import { randomUUID } from 'node:crypto'
import { Adapter } from 'socket.io-adapter'
import type { ConnectionTarget } from '../../database/connection-target.js'
import type { ChatLog } from '../../chat-log.js'
import type { ChatIo } from '../chat-io.js'
import { createPeers, NO_PEERS, type Peers } from './peers.js'
import { openPostgresAdapter, type PostgresAdapter } from './postgres-adapter.js'
import type { Departures } from './departures.js'
import { announceArrival, announceOperatorLeft, isHere, participantsHere } from './presence.js'

/** How servers on one database reach one another. */
export interface ClusterOptions {
  /** The database server itself: LISTEN does not work through a connection pooler. */
  readonly target: ConnectionTarget
  /** Of the chat's tables; the target's, or `public`, when absent. */
  readonly schema?: string | undefined
}

export interface Cluster {
  /** What Socket.IO takes as its `adapter`. */
  readonly adapter: typeof Adapter
  /** Starts exchanging with the other servers who is connected. */
  meet(io: ChatIo, departures: Departures): Peers
  close(): Promise<void>
}

interface Joining {
  readonly options: ClusterOptions | undefined
  readonly operatorSecret: string | undefined
  readonly maxMessageBytes: number
  /** Whether the database may be unavailable at the start; the other servers are then met later. */
  readonly mayConnectLater: boolean
  readonly log: ChatLog
}

/** @throws OperatorError as `openPostgresAdapter` does */
export const joinCluster = async ({ options, ...rest }: Joining): Promise<Cluster> => {
  if (options === undefined) return ALONE
  const { target, schema = target.schema ?? 'public' } = options
  const adapter = await openPostgresAdapter({ target, schema, ...rest })
  return {
    adapter: adapter.adapter,
    meet: (io, departures) => meetPeers(io, departures, adapter),
    close: () => adapter.close(),
  }
}

const ALONE: Cluster = { adapter: Adapter, meet: () => NO_PEERS, close: () => Promise.resolve() }

const meetPeers = (
  io: ChatIo,
  departures: Departures,
  { isConnected, onRestored, sendHeld }: PostgresAdapter,
): Peers => {
  const peers = createPeers({
    self: randomUUID(),
    publish: (news) => io.serverSideEmit('peers', news),
    isConnected,
    isHere: (participant) => isHere(io, participant),
    participantsHere: () => participantsHere(io),
    onArrival: (participant) => announceArrival(io, participant),
    onDeparture: (participant, cause) => {
      if (participant.role === 'operator') announceOperatorLeft(io, participant)
      else departures[cause](participant)
    },
    onReunited: sendHeld,
  })
  io.on('peers', (news) => peers.receive(news))
  onRestored(() => peers.introduce())
  peers.introduce()
  return peers
}
