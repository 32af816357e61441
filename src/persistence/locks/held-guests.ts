import { forgetOldest } from '../../collections/forget-oldest.js'

/** Guests whose client another transaction holds: their next messages do not wait for it once more. */
export interface HeldGuests {
  /** Whether a message was stored without client a moment ago, because another transaction holds it. */
  isHeld(username: string | null): boolean
  /** Whether to try again to create the client: each attempt waits a little, and may use up an id. */
  mayBeFree(username: string): boolean
  note(username: string | null): void
  forget(username: string | null): void
}

/** Since the last look. Then a message waits again: the transaction may have ended long ago. */
const REMEMBERED_MS = 5_000

const LOOK_AGAIN_MS = 500

const MOST_GUESTS = 10_000

export const createHeldGuests = (): HeldGuests => {
  const notedAt = new Map<string, number>()
  const sinceNoted = (username: string): number => performance.now() - (notedAt.get(username) ?? -Infinity)
  return {
    isHeld: (username) => username !== null && sinceNoted(username) < REMEMBERED_MS,
    mayBeFree: (username) => sinceNoted(username) >= LOOK_AGAIN_MS,
    note: (username) => {
      if (username === null) return
      // To the end of the order in which they are forgotten.
      notedAt.delete(username)
      notedAt.set(username, performance.now())
      forgetOldest(notedAt, MOST_GUESTS)
    },
    forget: (username) => {
      if (username !== null) notedAt.delete(username)
    },
  }
}
