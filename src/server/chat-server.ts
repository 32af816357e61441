import { createServer, type IncomingMessage } from 'node:http'
import { asyncClosable, type AsyncClosable } from '../closable.js'
import { within } from '../concurrency/within.js'
import type { ChatServerOptions } from './chat-options.js'
import { participantsOf } from './cluster/presence.js'
import { DEFAULT_HOST, DEFAULT_PATH, DEFAULT_PORT } from './defaults.js'
import { readWebRules, runChatAtPath } from './chat-at-path.js'
import { createHealth } from './http/health.js'
import { authorityOf, listen } from './http/listen.js'
import { withMetricsPath } from './http/metrics-listener.js'
import { trackConnections } from './http/open-connections.js'
import { claimPath } from './http/own-path.js'
import { afterClosing, prepareChat } from './prepare-chat.js'
import { isOfThisMachine } from './protection/own-hosts.js'
import { limitSilentConnections, SILENCE_LIMITS } from './protection/silent-connections.js'

export type { ChatServerOptions } from './chat-options.js'

export interface ChatServer extends AsyncClosable {
  /** Where it listens, e.g. `http://127.0.0.1:3001/chat`: connect with `io('http://127.0.0.1:3001', { path: '/chat' })`. */
  readonly url: string
  readonly port: number
  /**
   * Lets nobody new in, lets the requests in flight finish and be acknowledged, and ends all connections; takes about 9 seconds at
   * most. May be called twice. The store stays open.
   */
  close(): Promise<void>
}

/** For requests in progress, such as of metrics: the connections of the chat are ended by then. Browsers keep silent ones. */
const CLOSE_DEADLINE_MS = 250

/**
 * Starts a chat server; resolves when it listens.
 * @throws OperatorError `invalid_option`, `unusable_operator_secret`, `unusable_operators`, `file_not_private`, `address_in_use`,
 *   `address_not_available`, `address_not_permitted` or `cannot_listen`; those of `openJournal` and, with an adapter, of
 *   `openPostgresAdapter`
 */
export const startChatServer = async (options: ChatServerOptions): Promise<ChatServer> => {
  const { store, host = DEFAULT_HOST, port = DEFAULT_PORT, metrics, transports } = options
  const web = readWebRules(options, host)
  const prepared = await prepareChat(options)
  const { inFlight, limits, observer, log, warnRarely, cluster, journal } = prepared

  const isOurs = (request: IncomingMessage): boolean => isOfThisMachine(request, web.ownHosts)
  const health = createHealth({ store, inFlight, sink: () => chat.sink, isOurs, log })
  const http = createServer(
    SILENCE_LIMITS,
    withMetricsPath(metrics?.listener === 'shared' ? metrics : undefined, isOurs, health.listener),
  )
  limitSilentConnections(http, limits.maxUnjoinedPerAddress, (address) => {
    observer.limited('maxUnjoinedPerAddress')
    warnRarely({ event: 'silent_connections', address }, 'TCP connection refused: too many that send nothing')
  })
  const connections = trackConnections(http)
  const actualPort = await listen(http, host, port).catch(afterClosing(cluster, journal))
  // A failing accept (too many open files) costs that connection, not the server.
  http.on('error', (error) => log.error({ event: 'server_error', reason: error.message }, 'the HTTP server failed'))
  const chat = runChatAtPath(prepared, { own: claimPath(http, DEFAULT_PATH), web, transports })
  metrics?.watch({
    participants: () => participantsOf(chat.io),
    storeLoad: () => store.getLoad(),
    journal,
    isJournalUsable: () => chat.sink.journalState()?.journal === 'taking',
    isReady: () => health.isReady(),
  })

  const close = async (): Promise<void> => {
    await chat.close()
    const closed = new Promise((resolve) => http.close(resolve))
    await within(CLOSE_DEADLINE_MS, closed)
    for (const connection of connections) connection.destroy()
    await closed
  }
  let closing: Promise<void> | undefined
  return asyncClosable({
    url: `http://${authorityOf(host, actualPort)}${DEFAULT_PATH}`,
    port: actualPort,
    close: () => (closing ??= close()),
  })
}
