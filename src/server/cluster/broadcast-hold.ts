import { forgetOldest } from '../../collections/forget-oldest.js'

/** What a server tells the others, numbered in order. */
export interface Broadcast {
  readonly number: number
  readonly text: string
}

/** Broadcasts to the other servers, of which none is lost while this server or another is not connected to them. */
export interface BroadcastHold {
  /** Sends a broadcast, or keeps it until the others can be reached. */
  send(broadcast: Broadcast): void
  /** This server cannot reach the others. */
  begin(): void
  /** This server is connected again, and the others are about to be. @returns how many broadcasts were given up */
  awaitOthers(): number
  /** The others are connected, or it is no use to wait for them. */
  end(): void
}

export interface BroadcastHoldParts {
  /** Calls `onLost` if the connection ended before the text was certainly sent. */
  readonly send: (text: string, onLost: () => void) => void
  /** Beyond it the oldest are given up. */
  readonly maxBytes: number
}

/** Servers try to connect again at least every three seconds. */
const OTHERS_DEADLINE_MS = 5_000

/** What is older is no news any more; who typed then has long stopped. */
const MAX_AGE_MS = 60_000

/** What was sent just before an outage may not have reached the others, whose connections end with it: it is sent again. */
const RECENT_MS = 1_000

interface Held extends Broadcast {
  readonly sizeBytes: number
  readonly sinceMs: number
}

/**
 * After an outage of the database each server connects again when it tries next: one may have stored what waited in its journal, and
 * announced it, before another listens. Broadcasts wait until both do, in their order; saving does not. Receivers drop what comes
 * twice.
 */
export const createBroadcastHold = ({ send, maxBytes }: BroadcastHoldParts): BroadcastHold => {
  const recent = createShelf({ maxBytes, maxAgeMs: RECENT_MS })
  const held = createShelf({ maxBytes, maxAgeMs: MAX_AGE_MS })
  let isHolding = false
  let deadline: NodeJS.Timeout | undefined

  const sendNow = (broadcast: Held): void => {
    recent.add(broadcast)
    send(broadcast.text, () => held.add(broadcast))
  }
  const end = (): void => {
    clearTimeout(deadline)
    isHolding = false
    for (const broadcast of held.takeAll()) sendNow(broadcast)
  }
  return {
    send: (broadcast) => {
      const sized = { ...broadcast, sizeBytes: Buffer.byteLength(broadcast.text), sinceMs: Date.now() }
      if (isHolding) held.add(sized)
      else sendNow(sized)
    },
    begin: () => {
      clearTimeout(deadline)
      isHolding = true
      for (const broadcast of recent.takeAll()) held.add(broadcast)
    },
    awaitOthers: () => {
      clearTimeout(deadline)
      deadline = setTimeout(end, OTHERS_DEADLINE_MS).unref()
      return held.dropOld()
    },
    end,
  }
}

/** Keeps broadcasts up to a size and an age, the newest. */
const createShelf = ({ maxBytes, maxAgeMs }: { readonly maxBytes: number; readonly maxAgeMs: number }) => {
  const kept = new Map<number, Held>()
  let sizeBytes = 0
  let dropped = 0
  const drop = ({ number, sizeBytes: its }: Held): void => {
    if (kept.delete(number)) sizeBytes -= its
  }
  const trim = (): void => {
    for (const oldest of kept.values()) {
      if (sizeBytes <= maxBytes && Date.now() - oldest.sinceMs <= maxAgeMs) return
      drop(oldest)
      dropped += 1
    }
  }
  return {
    add: (broadcast: Held): void => {
      drop(broadcast)
      kept.set(broadcast.number, broadcast)
      sizeBytes += broadcast.sizeBytes
      trim()
    },
    /** In order: what was on its way is lost in any order. */
    takeAll: (): readonly Held[] => {
      trim()
      const all = [...kept.values()].sort((one, other) => one.number - other.number)
      kept.clear()
      sizeBytes = 0
      return all
    },
    /** @returns how many were dropped since the last call */
    dropOld: (): number => {
      trim()
      const count = dropped
      dropped = 0
      return count
    },
  }
}

/** More servers than share one database. */
const MAX_SENDERS = 256

/** Tells whether a broadcast of this number came from the sender already. */
export const createRepetitions = (): ((sender: string, number: number) => boolean) => {
  const last = new Map<string, number>()
  return (sender, number) => {
    if (number <= (last.get(sender) ?? 0)) return true
    last.delete(sender)
    last.set(sender, number)
    forgetOldest(last, MAX_SENDERS)
    return false
  }
}
