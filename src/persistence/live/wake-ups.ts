import { createHash, randomBytes } from 'node:crypto'
import { within } from '../../concurrency/within.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import type { NotificationChannel } from '../../database/notification-channel.js'
import { sharedSessionIn } from '../../database/proxies/refuse-shared-session.js'
import { OperatorError } from '../../errors.js'

/** Tells other processes that there is something new, and hears it of them. Hints: one that is lost costs a poll's time. */
export interface WakeUps {
  tellOthers(): void
  close(): Promise<void>
}

/** Notifications are a few characters each; of a connection that is stuck, none is needed. */
const MOST_QUEUED_BYTES = 65_536

/** A notification is a commit under a lock that all of the server's notifications share, so there are at most so many. */
const LEAST_MS = 20

/** A pooler about which nothing is found out so often is said; it may have no second session at all. */
const DOUBTS = 5

const CLOSE_PATIENCE_MS = 1_000

/**
 * Listens on a connection of its own, and notifies there, never in the transaction of a message: its commit would wait for the
 * lock. Connects in the background.
 * @param onWoken called for what another process stored, and when the connection is back
 * @param onPollingOnly called once, when there can be no such connection, or it seems so
 */
export const createWakeUps = (
  target: ConnectionTarget,
  schema: string,
  onWoken: () => void,
  onPollingOnly: (error: OperatorError) => void,
): WakeUps => {
  const self = randomBytes(6).toString('hex')
  let channel: NotificationChannel | undefined
  let timer: NodeJS.Timeout | undefined
  let isDue = false
  let isClosed = false
  let doubts = 0
  let isPollingOnly = false

  const tellPollingOnly = (error: unknown): void => {
    if (isClosed || isPollingOnly) return
    isPollingOnly = true
    onPollingOnly(pollingOnly(error))
  }
  /** A network that stalls is no pooler: that is found out later. */
  const mayConnectLater = (error: unknown): boolean => {
    const found = sharedSessionIn(error)
    if (found === 'in doubt') doubts += 1
    if (found === 'found' || doubts === DOUBTS) tellPollingOnly(error)
    return found !== 'found'
  }
  const open = async (): Promise<void> => {
    const { openNotificationChannel } = await import('../../database/notification-channel.js')
    const opened = await openNotificationChannel(target, {
      applicationName: 'chatkeep live',
      channel: `chatkeep_live_${createHash('sha256').update(schema).digest('hex').slice(0, 32)}`,
      need: { what: 'LISTEN', keeps: 'its notifications' },
      maxQueuedBytes: MOST_QUEUED_BYTES,
      onPayload: (payload) => {
        if (payload !== self) onWoken()
      },
      onRestored: onWoken,
      // What is wrong with the database, reading says.
      onLost: () => undefined,
      mayConnectLater,
      mayReconnect: mayConnectLater,
    })
    channel = opened
    if (isClosed) await opened.close()
  }
  const opening = open().catch(tellPollingOnly)

  const send = (): void => {
    isDue = false
    channel?.send([self])
    timer = setTimeout(() => {
      timer = undefined
      if (isDue) send()
    }, LEAST_MS)
  }
  return {
    tellOthers: () => {
      if (timer === undefined) send()
      else isDue = true
    },
    close: async () => {
      isClosed = true
      clearTimeout(timer)
      // Then it closes as soon as it is open.
      if (channel === undefined) await within(CLOSE_PATIENCE_MS, opening)
      else await channel.close()
    },
  }
}

const pollingOnly = (cause: unknown): OperatorError =>
  new OperatorError(
    'polling_only',
    `new messages of other processes are found by polling alone: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      hint: 'nothing is missed; for less delay give databaseUrl the address of the server itself, or lower pollMs',
      cause,
    },
  )
