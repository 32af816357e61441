import { createHash, randomBytes } from 'node:crypto'
import { type Adapter, ClusterAdapter, MessageType, type ClusterMessage, type ClusterResponse } from 'socket.io-adapter'
import { explainDatabaseError, isDatabaseUnavailable } from '../../database/connection-error.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { openNotificationChannel } from '../../database/notification-channel.js'
import { ExitCode, OperatorError } from '../../errors.js'
import type { ChatLog } from '../../chat-log.js'
import { errorFields } from '../error-fields.js'
import { createBroadcastHold, createRepetitions } from './broadcast-hold.js'
import { createPacketReader, createPacketWriter } from './packets.js'
import { createSeal } from './sealed-text.js'

export interface PostgresAdapterOptions {
  /** The database server itself, not a pooler. */
  readonly target: ConnectionTarget
  /** The schema of the chat's tables; servers of one schema find one another. */
  readonly schema: string
  /** The same on all servers. */
  readonly operatorSecret: string | undefined
  readonly maxMessageBytes: number
  /** Whether the database may be unavailable at the start; the other servers are then met later. */
  readonly mayConnectLater: boolean
  readonly log: ChatLog
}

export interface PostgresAdapter {
  /** What Socket.IO takes as its `adapter`. */
  readonly adapter: typeof Adapter
  readonly isConnected: () => boolean
  /** Called after each outage. */
  onRestored: (listener: () => void) => void
  /** The other servers are connected again, too: sends what waits for that. */
  readonly sendHeld: () => void
  close(): Promise<void>
}

const APPLICATION_NAME = 'chatkeep serve adapter'

/**
 * Carries this server's broadcasts to the sockets of other servers on the same database, over LISTEN and NOTIFY. Those of an outage
 * wait for its end; broadcasts are hints, and those that are lost all the same can be read from the database. Every role of the database can listen on
 * any channel and notify it without a privilege, so payloads are sealed with a key from the operator secret, the database and the
 * schema.
 * @throws OperatorError `adapter_needs_secret`, `connection_pooler`, and the errors of a connection
 */
export const openPostgresAdapter = async (options: PostgresAdapterOptions): Promise<PostgresAdapter> => {
  const { target, schema, operatorSecret, maxMessageBytes, mayConnectLater, log } = options
  if (operatorSecret === undefined) throw needsSecret()
  const end = {
    self: randomBytes(8).toString('hex'),
    seal: await createSeal(operatorSecret, ['chatkeep adapter', target.database, schema]),
  }
  const strangers = new Set<string>()
  const isRepeated = createRepetitions()
  let published = 0
  let deliver: (message: ClusterMessage | ClusterResponse) => void = () => undefined
  let restored: () => void = () => undefined

  const write = createPacketWriter(end)
  const read = createPacketReader({ ...end, maxMessageBytes }, (sender) => {
    if (strangers.size >= MAX_STRANGERS || strangers.has(sender)) return
    strangers.add(sender)
    log.error(
      { event: 'adapter_stranger' },
      'unreadable messages from another server: all servers on one database need the same operator secret',
    )
  })
  const receive = (payload: string, nowMs: number): void => {
    const text = read(payload, nowMs)
    if (text === undefined) return
    // Sealed texts are made with the secret only, so a chat server wrote it.
    const message = JSON.parse(text) as Numbered
    if (message.number === undefined || !isRepeated(message.uid, message.number)) deliver(message)
  }
  const maxQueuedBytes = Math.max(LEAST_QUEUE_BYTES, QUEUED_MESSAGES * maxMessageBytes)
  const hold = createBroadcastHold({
    // Sealed they have a third more bytes.
    maxBytes: maxQueuedBytes / 2,
    send: (text, onLost) => channel.send(write(text, channel.nowMs()), onLost),
  })
  const channel = await openNotificationChannel(target, {
    applicationName: APPLICATION_NAME,
    channel: channelOf(schema),
    need: { what: '--adapter postgres', keeps: 'its notifications' },
    onPayload: receive,
    maxQueuedBytes,
    mayConnectLater: (error) => mayConnectLater && isDatabaseUnavailable(explainDatabaseError(error, target)),
    onLost: (reason) => {
      hold.begin()
      log.warn({ event: 'adapter_lost', ...errorFields(reason) }, 'connection to the other servers lost')
    },
    onRestored: ({ lostPayloads }) => {
      const dropped = hold.awaitOthers()
      log.info(
        { event: 'adapter_restored', notificationsNotSent: lostPayloads + dropped },
        'connected to the other servers again; messages missed meanwhile are in the database',
      )
      restored()
    },
  })
  const sendNow = (message: ClusterMessage | ClusterResponse): void =>
    channel.send(write(JSON.stringify(message), channel.nowMs()))

  // Socket.IO requires a class. A broadcast never waits for the database: the server's own sockets get it at once.
  class OverNotifications extends ClusterAdapter {
    // The base class has a protected constructor.
    // eslint-disable-next-line @typescript-eslint/no-useless-constructor
    constructor(namespace: ConstructorParameters<typeof Adapter>[0]) {
      super(namespace)
    }

    override init(): void {
      deliver = (message) => this.onMessage(message as ClusterMessage)
    }

    protected override doPublish(message: ClusterMessage): Promise<string> {
      // Who is connected is said anew after an outage, and shows that this server is back.
      if (isPeerNews(message)) sendNow(message)
      else {
        published += 1
        hold.send({ number: published, text: JSON.stringify({ ...message, number: published }) })
      }
      return Promise.resolve('')
    }

    protected override doPublishResponse(_requester: string, response: ClusterResponse): Promise<void> {
      sendNow(response)
      return Promise.resolve()
    }
  }

  return {
    adapter: OverNotifications,
    isConnected: () => channel.isConnected,
    onRestored: (listener) => (restored = listener),
    sendHeld: () => hold.end(),
    close: () => {
      hold.end()
      return channel.close()
    },
  }
}

/** A broadcast has a number; older servers send none. */
type Numbered = (ClusterMessage | ClusterResponse) & { readonly number?: number }

const isPeerNews = (message: ClusterMessage): boolean =>
  message.type === MessageType.SERVER_SIDE_EMIT && message.data.packet[0] === 'peers'

/** What may wait for the database; a message has a third more bytes as sealed payloads, and many more when it is escaped. */
const LEAST_QUEUE_BYTES = 32 * 1_048_576
const QUEUED_MESSAGES = 16

/** Enough for the log, and a bound for the memory that any role of the database could make the server use. */
const MAX_STRANGERS = 10

// Names of channels have 63 bytes, like those of schemas: a hash always fits.
const channelOf = (schema: string): string =>
  `chatkeep_${createHash('sha256').update(schema).digest('hex').slice(0, 32)}`

const needsSecret = (): OperatorError =>
  new OperatorError('adapter_needs_secret', 'servers that act as one need the same operator secret, and none is set', {
    hint: 'set CHATKEEP_OPERATOR_SECRET or --operator-secret-file, the same on all servers',
    exitCode: ExitCode.usage,
  })
