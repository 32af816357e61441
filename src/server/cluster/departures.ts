import type { Guest } from '../../protocol/participants.js'

/** Announces guests who have gone for good, as far as a server can tell. */
export interface Departures {
  /** The last socket of a guest is gone. */
  left(guest: Guest): void
  /** The server of a guest is gone, who has no socket on another. */
  lost(guest: Guest): void
  /** Announces nobody any more. */
  close(): void
}

export interface DeparturesOptions {
  /** How long a guest may be without a socket: a page that is loaded again is no end. */
  readonly graceMs: number
  /** Whether the guest has a socket on this server or another. */
  readonly isConnected: (guest: Guest) => boolean
  readonly announce: (guest: Guest) => void
}

/** Longer than Socket.IO's clients wait before they try another server. */
const RECONNECT_MS = 10_000

export const createDepartures = ({ graceMs, isConnected, announce }: DeparturesOptions): Departures => {
  const timers = new Map<string, NodeJS.Timeout>()
  let isClosed = false
  const waitFor = (guest: Guest, waitMs: number): void => {
    if (isClosed) return
    clearTimeout(timers.get(guest.conversation))
    const timer = setTimeout(() => {
      timers.delete(guest.conversation)
      if (!isConnected(guest)) announce(guest)
    }, waitMs)
    timers.set(guest.conversation, timer.unref())
  }
  return {
    left: (guest) => waitFor(guest, graceMs),
    lost: (guest) => waitFor(guest, Math.max(graceMs, RECONNECT_MS)),
    close: () => {
      isClosed = true
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
    },
  }
}
