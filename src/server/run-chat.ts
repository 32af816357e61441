import type { IncomingMessage } from 'node:http'
import type { ImageSources } from '../protocol/image.js'
import { createOpaqueText } from '../protocol/opaque-text.js'
import type { Recorder } from '../transcripts/recorder.js'
import type { ChatIo, ChatSocket } from './chat-io.js'
import { createDepartures } from './cluster/departures.js'
import { announceGuestLeft, isConnected, type PresentChat } from './cluster/presence.js'
import { DEFAULT_DISCONNECT_GRACE_MS } from './defaults.js'
import { presenceIn } from './events/address.js'
import { confirm, createAnnouncer, reject, type Announce } from './events/announce.js'
import { createAnswers } from './events/answers.js'
import { recogniseGuests } from './events/returning-guest.js'
import { createMessageSink } from './keeping/create-message-sink.js'
import { createDestinationFinder } from './keeping/destinations.js'
import type { MessageSink, MessageSinkParts } from './keeping/message-sink.js'
import { createOperatorAccess } from './operators/operator-access.js'
import type { PreparedChat } from './prepare-chat.js'
import type { Admitted } from './protection/connection-limit.js'
import { createConnectionPools, type ConnectionPools } from './protection/connection-pools.js'
import { createGuessGuard } from './protection/guess-guard.js'
import { LIMITS } from './protection/limits.js'
import { createQuotas } from './protection/quota.js'
import { createRemoteAddress } from './protection/remote-address.js'
import { createTraffics } from './protection/traffic.js'
import { serveSocket } from './serve-socket.js'
import { shutDown } from './shut-down.js'
import { watchOperators } from './watch-operators.js'

/** Where a chat runs. */
export interface ChatPlace {
  readonly io: ChatIo
  /** Whether the application uses the connections for others than the chat: it then ends sockets only. */
  readonly connections: 'own' | 'shared'
  /** Counts the connections, and refuses those for which there is no place. */
  readonly limitConnections: (
    pools: ConnectionPools,
    addressOf: (request: IncomingMessage) => string,
  ) => (socket: ChatSocket) => Admitted
  /** Ends all connections of the chat, after their buffers were handed to the network. */
  readonly disconnect: () => Promise<void>
}

export interface RunningChat {
  readonly io: ChatIo
  readonly sink: MessageSink
  /** Lets requests in flight finish, then ends all connections. */
  close(): Promise<void>
}

const ANSWERS_NOT_KEPT =
  'what operators write while a page is not connected is shown to it only until this server restarts: give an operatorSecret beside authenticateOperator'

/** Serves every socket of a namespace from now on. */
export const runChat = (
  prepared: PreparedChat,
  { io, connections, limitConnections, disconnect }: ChatPlace,
): RunningChat => {
  const { options, operatorSecret, operators, cluster, journal, inFlight, limits, observer, log, warnRarely } = prepared
  const { store } = options
  const departures = createDepartures({
    graceMs: options.disconnectGraceMs ?? DEFAULT_DISCONNECT_GRACE_MS,
    isConnected: (guest) => isConnected({ io, peers }, guest),
    announce: (guest) => announceGuestLeft(io, guest),
  })
  const peers = cluster.meet(io, departures)
  const present = { io, store, peers }
  const opaque = createOpaqueText(operatorSecret, operators?.secret)
  if (operatorSecret === undefined && operators?.secret === undefined && options.authenticateOperator !== undefined)
    log.warn({ event: 'answers_not_kept' }, ANSWERS_NOT_KEPT)
  const images: ImageSources = options.allowImageUrls === true ? 'data and https' : 'data'
  const guessGuard = createGuessGuard(log)
  const activity = options.inactiveOperators === 'allowed' ? undefined : store
  const addressOf = createRemoteAddress(options.trustProxy ?? 0)
  const operatorAccess = createOperatorAccess({
    ...{ operatorSecret, operators, authenticateOperator: options.authenticateOperator },
    ...{ store: activity, addressOf, guessGuard, log, warnRarely },
  })
  const answers = createAnswers({ ...present, operatorAccess, opaque, warnRarely })
  const announce = createAnnouncer({ io, opaque, sendAnswer: answers.send })
  const sink = createMessageSink(sinkParts({ ...present, observer, log }, announce, options.recorder), journal)
  const shared = {
    ...{ ...present, connections, departures, announce, answers, sink, operatorAccess, opaque, images },
    ...{ inFlight, limits, observer, log, warnRarely },
  }
  const createQuota = createQuotas(limits, (limit) => {
    observer.limited(limit)
    if (limit === 'maxHeldPerSocket' || limit === 'maxHeldCharacters')
      warnRarely({ event: 'not_joined', limit: LIMITS[limit].flag }, 'event refused: too many wait for a join')
  })
  const pools = createConnectionPools(limits, (limit, address, pool) => {
    observer.limited(limit)
    warnRarely({ event: 'too_many_connections', address, pool }, 'connection refused: limit reached')
  })
  const trafficOf = createTraffics(limits, (limit, address) => {
    observer.limited(limit)
    warnRarely({ event: 'address_limited', address }, 'requests refused: too much from one address in a minute')
  })
  const admittedOf = limitConnections(pools, addressOf)
  const tokenOf = recogniseGuests(io)
  const serve = (socket: ChatSocket): void => {
    const { address, place } = admittedOf(socket)
    const own = { quota: createQuota(), place, traffic: trafficOf(address), guestToken: tokenOf(socket) }
    serveSocket({ ...shared, ...own }, socket)
  }
  io.on('connection', serve)
  const stopWatching = watchOperators({ io, connections, operators, store: activity, warnRarely })

  const close = async (): Promise<void> => {
    stopWatching()
    await shutDown({ io, connections, inFlight, sink, peers, departures, cluster, disconnect, log })
    answers.close()
    guessGuard.close()
    io.off('connection', serve)
  }
  let closing: Promise<void> | undefined
  return { io, sink, close: () => (closing ??= close()) }
}

/** What happens around each message that the sink keeps. */
const sinkParts = (
  present: PresentChat & Pick<MessageSinkParts, 'store' | 'observer' | 'log'>,
  announce: Announce,
  recorder: Recorder | undefined,
): MessageSinkParts => ({
  store: present.store,
  ...createDestinationFinder(present.store, presenceIn(present)),
  ...presenceIn(present),
  onStored: (submission, saved) => {
    announce(submission, saved)
    confirm(present.io, submission, saved)
  },
  onRejected: (submission, error) => reject(present.io, submission, error),
  onCommitted: ({ message, operatorName }, { createdAt, duplicate }) => {
    if (!duplicate) recorder?.record({ message, createdAt, operatorName })
  },
  observer: present.observer,
  log: present.log,
})
