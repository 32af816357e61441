import { randomBytes } from 'node:crypto'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { createChatStore } from '../../persistence/chat-store.js'
import { SILENT_LOG, type ChatLog, type LogFields } from '../../chat-log.js'
import { startChatServer } from '../../server/chat-server.js'
import { ADDRESSES_UNLIMITED, LIMITS } from '../../server/protection/limits.js'
import { parseChatUrl, type ChatAddress } from '../../client/chat-address.js'
import { createChatPeer } from '../../client/chat-peer.js'

/** A running chat server. */
export interface RunningChat {
  readonly address: ChatAddress
  /** Operators cannot join when undefined. */
  readonly operatorSecret: string | undefined
}

export interface ChatServerSource {
  /** URL of a running server; a server is started when absent. */
  readonly url: string | undefined
  /** The operator secret of the running server. */
  readonly operatorSecret: string | undefined
  /** The database of a server that is started here. */
  readonly target: ConnectionTarget
  readonly signal: AbortSignal
  readonly onLog: (line: string) => void
}

/**
 * Provides a chat server for as long as the work lasts.
 * @throws OperatorError `invalid_chat_url`, `chat_server_unreachable`
 */
export const withChatServer = async <T>(
  source: ChatServerSource,
  work: (chat: RunningChat) => Promise<T>,
): Promise<T> => {
  if (source.url === undefined) return withOwnServer(source, work)
  const address = parseChatUrl(source.url)
  await checkReachable(address, source.signal)
  return work({ address, operatorSecret: source.operatorSecret })
}

/** Shorter than the patience with a server that has answered before. */
const FIRST_CONTACT_PATIENCE_MS = 5_000

const checkReachable = async (address: ChatAddress, signal: AbortSignal): Promise<void> => {
  const peer = createChatPeer({ address, join: {}, signal, patienceMs: FIRST_CONTACT_PATIENCE_MS })
  try {
    await peer.connect()
  } finally {
    peer.close()
  }
}

const withOwnServer = async <T>(
  { target, onLog }: ChatServerSource,
  work: (chat: RunningChat) => Promise<T>,
): Promise<T> => {
  const operatorSecret = randomBytes(16).toString('base64url')
  const { most: maxMessageBytes } = LIMITS.maxMessageBytes
  const store = createChatStore({ target }, { applicationName: 'chatkeep replay', maxMessageBytes })
  try {
    const server = await startChatServer({
      ...ADDRESSES_UNLIMITED,
      allowImageUrls: true,
      // Messages of operators who have left since are replayed, too.
      inactiveOperators: 'allowed',
      ...{ store, port: 0, operatorSecret, eventsPerSecond: 0, log: toLog(onLog) },
    })
    try {
      return await work({ address: parseChatUrl(server.url), operatorSecret })
    } finally {
      await server.close()
    }
  } finally {
    await store.close()
  }
}

/** Passes warnings and errors of the started server to the log of the replay. */
const toLog = (onLog: (line: string) => void): ChatLog => {
  const say = ({ event: _event, ...fields }: LogFields, text: string): void =>
    onLog(`chat server: ${text} ${JSON.stringify(fields)}`)
  return { ...SILENT_LOG, warn: say, error: say }
}
