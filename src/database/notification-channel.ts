import { setTimeout as delay } from 'node:timers/promises'
import type { Client, QueryConfig } from 'pg'
import { connect, disconnect } from './connection.js'
import type { ConnectionTarget } from './connection-target.js'
import { createDatabaseClock, type DatabaseClock } from './clock/database-clock.js'
import { escapeIdentifier } from './identifier.js'
import { withOwnTypes } from './session/own-types.js'
import { refuseSharedSession, sharedSessionIn, type SessionNeed } from './proxies/refuse-shared-session.js'
import { refuseReadOnly } from './read-only.js'
import { firstRow } from './rows.js'

export interface ChannelOptions {
  readonly applicationName: string
  /** The channel. Every session of the database can listen to it and notify it. */
  readonly channel: string
  /** Above this the connection counts as stuck: what is queued is dropped, as after a loss. */
  readonly maxQueuedBytes: number
  /** What it is for, in the error of a pooler that shares sessions. */
  readonly need: SessionNeed
  /** `nowMs` is the database's time, in milliseconds since 1970. */
  readonly onPayload: (payload: string, nowMs: number) => void
  /** The connection is back; notifications sent in between, by anyone, are lost. */
  readonly onRestored: (outage: Outage) => void
  readonly onLost: (reason: unknown) => void
  /** Whether to retry the first connection later after this error. Never when absent. */
  readonly mayConnectLater?: ((error: unknown) => boolean) | undefined
  /** Whether to go on after a later connection failed. Always when absent. */
  readonly mayReconnect?: ((error: unknown) => boolean) | undefined
}

export interface Outage {
  /** Of those whose sender is not told by `onLost`. */
  readonly lostPayloads: number
}

/** One connection that listens and notifies. */
export interface NotificationChannel {
  readonly isConnected: boolean
  /** The database's time, in milliseconds since 1970; the machine's until the first connection. */
  nowMs(): number
  /**
   * Never waits and never fails. Payloads, at most 7,999 bytes each, stay together and in order.
   * @param onLost called if the connection ended first; they may have been sent all the same
   */
  send(payloads: readonly string[], onLost?: () => void): void
  /** Sends what is queued, for a second at most, and disconnects. */
  close(): Promise<void>
}

const QUERY_TIMEOUT_MS = 5_000
const FLUSH_DEADLINE_MS = 1_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000
/** Each attempt takes a session of a pooler for seconds, which may be the last that it has. */
const LONGEST_PAUSE_IN_DOUBT_MS = 60_000

// EXTRACT, because the text of a timestamp depends on the session's settings.
const NOW = 'EXTRACT(EPOCH FROM pg_catalog.clock_timestamp())::double precision AS "seconds"'

// One statement, so one commit under the server-wide lock of NOTIFY, for everything that is queued.
const NOTIFY = {
  name: 'chatkeep notify',
  text: `SELECT pg_catalog.pg_notify($1, "payload"), ${NOW} FROM pg_catalog.unnest($2::text[]) AS "payload"`,
}

/**
 * Connects and listens. Reconnects automatically.
 * @throws OperatorError when the first connection fails and is not retried; `connection_pooler` behind a pooler that shares sessions
 */
export const openNotificationChannel = async (
  target: ConnectionTarget,
  options: ChannelOptions,
): Promise<NotificationChannel> => {
  const closing = new AbortController()
  const isClosing = (): boolean => closing.signal.aborted
  const clock = createDatabaseClock()
  let session: Session | undefined = await openSession(target, options, clock).catch((error: unknown) => {
    if (options.mayConnectLater?.(error) !== true) throw error
    options.onLost(error)
    return undefined
  })
  let queue: Parcel[] = []
  let queuedBytes = 0
  let lostPayloads = 0
  let flushing: Promise<void> | undefined

  const lose = (parcels: readonly Parcel[]): void => {
    for (const { payloads, onLost } of parcels) {
      if (onLost === undefined) lostPayloads += payloads.length
      else onLost()
    }
  }
  const flush = async (client: Client): Promise<void> => {
    while (queue.length > 0 && session?.client === client) {
      const batch = queue
      queue = []
      queuedBytes = 0
      try {
        await readClock(client, clock, { ...NOTIFY, values: [options.channel, payloadsOf(batch)] })
      } catch {
        // Whatever the error, only a new connection helps; `onLost` reports the reason.
        lose(batch)
        await disconnect(client)
      }
    }
  }
  const startFlushing = (): void => {
    if (session === undefined) return
    flushing ??= flush(session.client).finally(() => {
      flushing = undefined
      if (queue.length > 0) startFlushing()
    })
  }
  const giveUpQueue = (): void => {
    const given = queue
    queue = []
    queuedBytes = 0
    lose(given)
  }

  const keepConnected = async (): Promise<void> => {
    for (;;) {
      if (session !== undefined) {
        const reason = await session.ended
        session = undefined
        giveUpQueue()
        if (isClosing()) return
        options.onLost(reason)
      }
      session = await reopen(target, options, clock, closing.signal)
      if (session === undefined) return
      if (isClosing()) {
        await disconnect(session.client)
        return
      }
      const outage = { lostPayloads }
      lostPayloads = 0
      options.onRestored(outage)
    }
  }
  const kept = keepConnected()

  return {
    get isConnected() {
      return session !== undefined
    },
    nowMs: () => Number(clock.now()),
    send: (payloads, onLost) => {
      const parcel = { payloads, onLost }
      if (session === undefined) {
        lose([parcel])
        return
      }
      queue.push(parcel)
      queuedBytes += payloads.reduce((sum, payload) => sum + payload.length, 0)
      if (queuedBytes > options.maxQueuedBytes) {
        giveUpQueue()
        void disconnect(session.client)
      } else setImmediate(startFlushing)
    },
    close: async () => {
      closing.abort()
      startFlushing()
      await Promise.race([flushing, delay(FLUSH_DEADLINE_MS, undefined, { ref: false })])
      if (session !== undefined) await disconnect(session.client)
      // It may be waiting for a server that does not answer.
      await Promise.race([kept, delay(FLUSH_DEADLINE_MS, undefined, { ref: false })])
    },
  }
}

interface Parcel {
  readonly payloads: readonly string[]
  readonly onLost: (() => void) | undefined
}

const payloadsOf = (parcels: readonly Parcel[]): readonly string[] => parcels.flatMap(({ payloads }) => payloads)

interface Session {
  readonly client: Client
  /** Resolves to the reason when the connection ends. */
  readonly ended: Promise<unknown>
}

const openSession = async (
  target: ConnectionTarget,
  { applicationName, channel, need, onPayload }: ChannelOptions,
  clock: DatabaseClock,
): Promise<Session> => {
  const client = withOwnTypes<Client>(await connect(target, { applicationName, queryTimeoutMs: QUERY_TIMEOUT_MS }))
  const ended = new Promise<unknown>((resolve) => {
    client.once('error', resolve)
    client.once('end', () => resolve(new Error('the connection was closed')))
  })
  try {
    // A standby has no notifications.
    await refuseReadOnly(client)
    await refuseSharedSession(client, target, need)
    await readClock(client, clock, { text: `SELECT ${NOW}` })
    client.on('notification', ({ payload = '' }) => onPayload(payload, Number(clock.now())))
    await client.query(`LISTEN ${escapeIdentifier(channel)}`)
    return { client, ended }
  } catch (error) {
    await disconnect(client)
    throw error
  }
}

/** Runs a statement that also tells the time. */
const readClock = async (client: Client, clock: DatabaseClock, query: QueryConfig): Promise<void> => {
  const askedAt = Date.now()
  const { seconds } = firstRow(await client.query<{ seconds: number }>(query))
  clock.note(new Date(1_000 * seconds), askedAt, Date.now())
}

/** @returns undefined when the channel is being closed, or may not reconnect */
const reopen = async (
  target: ConnectionTarget,
  options: ChannelOptions,
  clock: DatabaseClock,
  closing: AbortSignal,
): Promise<Session | undefined> => {
  let pause = FIRST_PAUSE_MS
  for (;;) {
    await delay(pause * (0.5 + Math.random()), undefined, { signal: closing, ref: false }).catch(() => undefined)
    if (closing.aborted) return undefined
    try {
      return await openSession(target, options, clock)
    } catch (error) {
      // The loss is logged; the store reports what is wrong with the database for each message.
      if (options.mayReconnect?.(error) === false) return undefined
      const longest = sharedSessionIn(error) === 'in doubt' ? LONGEST_PAUSE_IN_DOUBT_MS : LONGEST_PAUSE_MS
      pause = Math.min(2 * pause, longest)
    }
  }
}
