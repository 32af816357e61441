import { createServer, type IncomingMessage } from 'node:http'
import { Server } from 'socket.io'
import { SILENT_LOG, type ChatLog } from '../chat-log.js'
import { createInFlight } from '../concurrency/in-flight.js'
import { openJournal, type JournalOptions } from '../journal/open-journal.js'
import type { ChatStore } from '../persistence/chat-store.js'
import type { Recorder } from '../transcripts/recorder.js'
import type { ChatIo } from './chat-io.js'
import { joinCluster, type ClusterOptions } from './cluster/cluster.js'
import { createDepartures } from './cluster/departures.js'
import { announceGuestLeft, isConnected, participantsOf, type PresentChat } from './cluster/presence.js'
import { confirm, createAnnouncer, type Announce } from './events/announce.js'
import { connectedContact, findContact } from './events/conversation.js'
import { recogniseGuests } from './events/returning-guest.js'
import { DEFAULT_DISCONNECT_GRACE_MS, DEFAULT_HOST, DEFAULT_PORT } from './defaults.js'
import { explainRefusals, TRANSPORTS, type Transport } from './http/explain-refusals.js'
import { createHealth } from './http/health.js'
import { authorityOf, listen } from './http/listen.js'
import { withMetricsPath } from './http/metrics-listener.js'
import { trackConnections } from './http/open-connections.js'
import type { ImageSources } from '../protocol/image.js'
import { createMessageSink } from './keeping/create-message-sink.js'
import type { MessageSinkParts } from './keeping/message-sink.js'
import { UNOBSERVED } from './metrics/observer.js'
import type { ServerMetrics } from './metrics/server-metrics.js'
import { createOpaqueText } from '../protocol/opaque-text.js'
import { createAdmission } from './protection/admission.js'
import { limitConnections } from './protection/connection-limit.js'
import { LIMITS, limitsFrom, type GivenLimits } from './protection/limits.js'
import { createConnectionPools } from './protection/connection-pools.js'
import { createRareLog } from '../rare-log.js'
import { limitSilentConnections, SILENCE_LIMITS } from './protection/silent-connections.js'
import { TEXT_PARSER } from './protection/text-parser.js'
import { createTraffics } from './protection/traffic.js'
import { createOwnHosts, isOfThisMachine } from './protection/own-hosts.js'
import { createWebOrigins } from './protection/web-origins.js'
import { createQuotas } from './protection/quota.js'
import { createGuessGuard } from './protection/guess-guard.js'
import type { AuthenticateOperator } from './operators/ask-application.js'
import { createOperatorAccess } from './operators/operator-access.js'
import { openOperatorList } from './operators/operator-list.js'
import { refuseWeakSecret } from './protection/read-operator-secret.js'
import { createRemoteAddress } from './protection/remote-address.js'
import { serveSocket } from './serve-socket.js'
import { shutDown } from './shut-down.js'
import { watchOperators } from './watch-operators.js'

export interface ChatServerOptions extends GivenLimits {
  /** Stays the caller's: the server uses it and does not close it. */
  readonly store: ChatStore
  /** 127.0.0.1 when absent. */
  readonly host?: string | undefined
  /** 3001 when absent; 0 takes a free one. */
  readonly port?: number | undefined
  /** What any operator may present at the join, at least 16 characters; with it any name and id may be given. */
  readonly operatorSecret?: string | undefined
  /** A file that `chatkeep serve --add-operator` writes: operators with tokens of their own, who join under the name and id in it. */
  readonly operatorsFile?: string | undefined
  /**
   * Asks the application who an operator is whose token is neither the secret nor in the file: undefined for nobody. The name
   * and id in the join are ignored. When it fails or takes more than 5 s, the join is refused as `operators_unchecked`.
   */
  readonly authenticateOperator?: AuthenticateOperator | undefined
  /** Whether operators whose `"User"."isActive"` is false may join; `refused` when absent. */
  readonly inactiveOperators?: 'refused' | 'allowed' | undefined
  /** Proxies through which every connection comes, for `X-Forwarded-For`; 0 when absent: the header is ignored. */
  readonly trustProxy?: number | undefined
  /**
   * Web origins whose pages may connect: `https://shop.example`, `https://*.shop.example`, `capacitor://localhost` and the like;
   * `*` for all. Only the server's own when absent.
   */
  readonly corsOrigin?: string | readonly string[] | undefined
  /**
   * Names under which the server is reached, besides addresses, `localhost` and `host`: `chat.example`, whose pages come by
   * HTTPS, or `http://chat.example`.
   */
  readonly publicHost?: string | readonly string[] | undefined
  /** How clients may connect, by WebSocket and by HTTP long polling; both when absent. */
  readonly transports?: readonly Transport[] | undefined
  /** Accepts also `https` URLs as images; operators' browsers then ask other servers for them. */
  readonly allowImageUrls?: boolean | undefined
  /** How long a guest may be without a connection before `chatEnded` tells the operators; 10 s when absent, 0 = at once. */
  readonly disconnectGraceMs?: number | undefined
  /** Keeps messages while the database is unavailable; without it they are refused with `database_unavailable`. */
  readonly journal?: JournalOptions | undefined
  /** Makes all servers on one database act as one; without it this server is on its own. */
  readonly adapter?: ClusterOptions | undefined
  /** Records every message that this server commits. Stays the caller's: the server does not close it. */
  readonly recorder?: Recorder | undefined
  /** Measures this server, and answers at `/metrics` to requests of this machine if its listener is shared. Stays the caller's: the server does not close it. */
  readonly metrics?: ServerMetrics | undefined
  /** Silent when absent. */
  readonly log?: ChatLog | undefined
}

export interface ChatServer {
  /** Where it listens, e.g. `http://127.0.0.1:3001/chat`: connect with `io('http://127.0.0.1:3001', { path: '/chat' })`. */
  readonly url: string
  readonly port: number
  /**
   * Refuses new requests, lets those in flight finish and be acknowledged, then ends all connections; takes about 9 seconds at
   * most. May be called twice. The store stays open.
   */
  close(): Promise<void>
}

const PATH = '/chat'

/** Well above the core's limit of 1 MiB a message: a message that is too large gets its named error instead of a cut connection. */
const MAX_PACKET_BYTES = 8 * 1_048_576

/**
 * Starts a chat server; resolves when it listens.
 * @throws OperatorError `invalid_option`, `unusable_operator_secret`, `unusable_operators`, `file_not_private`, `address_in_use`,
 *   `address_not_available`, `address_not_permitted` or `cannot_listen`; those of `openJournal` and, with an adapter, of
 *   `openPostgresAdapter`
 */
export const startChatServer = async (options: ChatServerOptions): Promise<ChatServer> => {
  const { store, host = DEFAULT_HOST, port = DEFAULT_PORT, log = SILENT_LOG, metrics } = options
  const observer = metrics?.observer ?? UNOBSERVED
  const operatorSecret = options.operatorSecret === '' ? undefined : options.operatorSecret
  refuseWeakSecret(operatorSecret)
  const limits = limitsFrom(options)
  const origins = listOf(options.corsOrigin)
  const allowsAll = origins.includes('*')
  const allowsOrigin = createWebOrigins(origins)
  const inFlight = createInFlight()
  const addressOf = createRemoteAddress(options.trustProxy ?? 0)

  // Before anything is open: what is wrong with the file leaves nothing behind.
  const operators = options.operatorsFile === undefined ? undefined : await openOperatorList(options.operatorsFile, log)
  const cluster = await joinCluster({
    options: options.adapter,
    operatorSecret,
    mayConnectLater: options.journal !== undefined,
    log,
  })
  const journal = options.journal && (await openJournal(options.journal, log).catch(afterClosing(cluster)))
  const ownHosts = createOwnHosts(host, listOf(options.publicHost))
  const isOurs = (request: IncomingMessage): boolean => isOfThisMachine(request, ownHosts)
  const health = createHealth({ store, inFlight, sink: () => sink, isOurs, log })
  const http = createServer(
    SILENCE_LIMITS,
    withMetricsPath(metrics?.listener === 'shared' ? metrics : undefined, isOurs, health.listener),
  )
  const warnRarely = createRareLog(log)
  limitSilentConnections(http, limits.maxUnjoinedPerAddress, (address) => {
    observer.limited('maxUnjoinedPerAddress')
    warnRarely({ event: 'silent_connections', address }, 'TCP connection refused: too many that send nothing')
  })
  const connections = trackConnections(http)
  const actualPort = await listen(http, host, port).catch(afterClosing(cluster, journal))
  // A failing accept (too many open files) costs that connection, not the server.
  http.on('error', (error) => log.error({ event: 'server_error', reason: error.message }, 'the HTTP server failed'))

  const transports = options.transports ?? TRANSPORTS
  const io: ChatIo = new Server(http, {
    path: PATH,
    transports: [...transports],
    serveClient: false,
    maxHttpBufferSize: MAX_PACKET_BYTES,
    connectTimeout: limits.joinTimeoutMs,
    parser: TEXT_PARSER,
    allowRequest: createAdmission({ inFlight, allowsAll, allowsOrigin, ownHosts, warnRarely }),
    adapter: cluster.adapter,
    ...(origins.length === 0 ? {} : { cors: { origin: allowsAll ? '*' : answerTo(allowsOrigin) } }),
  })
  explainRefusals(io, transports, warnRarely)
  const departures = createDepartures({
    graceMs: options.disconnectGraceMs ?? DEFAULT_DISCONNECT_GRACE_MS,
    isConnected: (guest) => isConnected({ io, peers }, guest),
    announce: (guest) => announceGuestLeft(io, guest),
  })
  const peers = cluster.meet(io, departures)
  const present = { io, store, peers }
  const opaque = createOpaqueText(operatorSecret)
  const announce = createAnnouncer(io, opaque)
  const sink = createMessageSink(sinkParts({ ...present, observer, log }, announce, options.recorder), journal)

  const images: ImageSources = options.allowImageUrls === true ? 'data and https' : 'data'
  const guessGuard = createGuessGuard(log)
  const activity = options.inactiveOperators === 'allowed' ? undefined : store
  const shared = {
    ...present,
    departures,
    announce,
    sink,
    operatorAccess: createOperatorAccess({
      ...{ operatorSecret, operators, authenticateOperator: options.authenticateOperator },
      ...{ store: activity, addressOf, guessGuard, log, warnRarely },
    }),
    opaque,
    images,
    inFlight,
    limits,
    observer,
    log,
    warnRarely,
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
  const admittedOf = limitConnections(io, pools, addressOf)
  const tokenOf = recogniseGuests(io)
  io.on('connection', (socket) => {
    const { address, place } = admittedOf(socket)
    const own = { quota: createQuota(), place, traffic: trafficOf(address), guestToken: tokenOf(socket) }
    serveSocket({ ...shared, ...own }, socket)
  })

  metrics?.watch({
    participants: () => participantsOf(io),
    storeLoad: () => store.getLoad(),
    journal,
    isJournalUsable: () => sink.journalState()?.journal === 'taking',
    isReady: () => health.isReady(),
  })
  const stopWatching = watchOperators({ io, operators, store: activity, warnRarely })

  const close = async (): Promise<void> => {
    stopWatching()
    await shutDown({ io, inFlight, sink, peers, departures, cluster, connections, log })
    guessGuard.close()
  }
  let closing: Promise<void> | undefined
  return {
    url: `http://${authorityOf(host, actualPort)}${PATH}`,
    port: actualPort,
    close: () => (closing ??= close()),
  }
}

type AnswerOrigin = (origin: string | undefined, answer: (error: null, allowed: boolean) => void) => void

const answerTo =
  (allowsOrigin: (origin: string) => boolean): AnswerOrigin =>
  (origin, answer) =>
    answer(null, origin !== undefined && allowsOrigin(origin))

const listOf = (given: string | readonly string[] = []): readonly string[] =>
  typeof given === 'string' ? [given] : given

/** Closes what was opened before a start failed; the first error wins. */
const afterClosing =
  (...opened: readonly ({ readonly close: () => Promise<void> } | undefined)[]) =>
  async (error: unknown): Promise<never> => {
    await Promise.allSettled(opened.map(async (one) => one?.close()))
    throw error
  }

/** What happens around each message that the sink keeps. */
const sinkParts = (
  present: PresentChat & Pick<MessageSinkParts, 'store' | 'observer' | 'log'>,
  announce: Announce,
  recorder: Recorder | undefined,
): MessageSinkParts => ({
  store: present.store,
  findContact: (conversation) => findContact(present, conversation),
  connectedContact: (conversation) => connectedContact(present, conversation),
  onStored: (submission, saved) => {
    announce(submission, saved)
    confirm(present.io, submission, saved)
  },
  onCommitted: ({ message, operatorName }, { createdAt, duplicate }) => {
    if (!duplicate) recorder?.record({ message, createdAt, operatorName })
  },
  observer: present.observer,
  log: present.log,
})
