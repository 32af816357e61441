import type { Pool } from 'pg'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { withPooledClient, type BorrowLimits } from '../../database/pools/pooled-client.js'
import type { PreparedStatements } from '../../database/prepared.js'
import { InvalidCall, StoreClosed } from '../errors.js'
import { withRetries, type RetryLimits } from '../retry.js'
import type { Names } from '../sql-names.js'
import { readIdSequence } from './id-sequence.js'
import { parseLiveCursor } from './live-cursor.js'
import { createWakeUps, type WakeUps } from './wake-ups.js'
import { isReached, readBeginning, readLive, type Beginning } from './read-live.js'
import { DEFAULT_POLL_MS, type MessageListener, type SubscriptionOptions } from './subscription-options.js'
import { runSubscription, type LiveReader, type MessageSubscription, type RunningSubscription } from './subscription.js'
import { createWaking } from './waking.js'

/** What subscriptions read with. */
export interface LiveParts {
  readonly names: Names
  readonly schema: string
  readonly statements: PreparedStatements
  readonly pool: () => Pool
  readonly limits: BorrowLimits
  /** The server; undefined for a caller's pool, which has no connection to spare for notifications. */
  readonly target: ConnectionTarget | undefined
}

/** The subscriptions of a store. Without any, it does nothing. */
export interface Live {
  /** @throws InvalidCall `invalid_cursor`, OperatorError `ids_not_in_order`, and the errors of a read */
  subscribe(
    listener: MessageListener,
    options: SubscriptionOptions,
    limits: BorrowLimits & RetryLimits,
  ): Promise<MessageSubscription>
  /** The store has committed a message. */
  committed(): void
  /** A message was written in a transaction of the caller's, who may commit it. */
  written(): void
  /** Ends all subscriptions, and waits for the listeners that are running. */
  close(): Promise<void>
}

export const createLive = ({ names, schema, statements, pool, limits, target }: LiveParts): Live => {
  const running = new Set<RunningSubscription>()
  let wakeUps: WakeUps | undefined
  let isClosed = false

  const wakeAll = (): void => {
    for (const { waking } of running) waking.wake()
  }
  const begin = async (own: BorrowLimits): Promise<Beginning> =>
    withPooledClient(pool(), own, async (db) => {
      const sequence = await readIdSequence(db, names)
      return readBeginning({ db, names, statements }, sequence)
    })
  const reader: LiveReader = {
    begin: (signal) => begin({ ...limits, signal }),
    read: (sequence, cursor, signal) =>
      withPooledClient(pool(), { ...limits, signal }, (db) => readLive({ db, names, statements }, sequence, cursor)),
  }
  const listen = (): void => {
    wakeUps ??=
      target &&
      createWakeUps(target, schema, wakeAll, (error) => {
        for (const { report } of running) report(error)
      })
  }

  return {
    subscribe: async (listener, { since, pollMs = DEFAULT_POLL_MS, ...options }, own) => {
      const known = since === undefined ? undefined : parseLiveCursor(since)
      const begun = await withRetries(own, () => begin(own))
      if (isClosed) throw new StoreClosed()
      if (known !== undefined && !isReached(begun, known)) throw otherDatabase()
      const waking = createWaking(pollMs)
      const onEnd = (): void => void running.delete(one)
      const one = runSubscription(
        { reader, waking, onEnd },
        { ...begun, cursor: known ?? begun.cursor },
        listener,
        options,
      )
      running.add(one)
      listen()
      return one.subscription
    },
    committed: () => {
      if (running.size === 0) return
      wakeAll()
      wakeUps?.tellOthers()
    },
    written: () => {
      for (const { waking } of running) waking.expect()
    },
    close: async () => {
      isClosed = true
      await Promise.all(Array.from(running, ({ subscription }) => subscription.close()))
      await wakeUps?.close()
    },
  }
}

const otherDatabase = (): InvalidCall =>
  new InvalidCall(
    'invalid_cursor',
    'since is ahead of all messages: it comes from another database, or from before a restore',
  )
