import { SHORT_LOCK_TIMEOUT_MS } from '../sql-names.js'
import type { HeldGuests } from './held-guests.js'

/** How long the messages of several senders wait for a row that one of them needs. */
const SENDERS_LOCK_TIMEOUT_MS = 50

/** What decides when a message of a batch is saved. */
interface Pending {
  readonly message: { readonly guestUsername: string | null }
  readonly sender: string
  /** Set while a lock holds it up. */
  readonly heldBy: object | undefined
}

/** Messages that are saved together. */
export interface BatchPart<Each> {
  readonly batch: readonly Each[]
  /** The usual one when undefined. */
  readonly rowLockTimeoutMs: number | undefined
}

/**
 * Splits a batch so that no sender waits for the lock that holds up another: those that one held up before are saved last. All
 * messages of a sender are in one part, in their order.
 */
export const splitByLocks = <Each extends Pending>(
  batch: readonly Each[],
  heldGuests: HeldGuests | undefined,
): readonly BatchPart<Each>[] => {
  const held = sendersOf(batch.filter(({ message }) => heldGuests?.isHeld(message.guestUsername) === true))
  const waiting = sendersOf(batch.filter(({ heldBy }) => heldBy !== undefined))
  const part = (isOf: (sender: string) => boolean): readonly Each[] => batch.filter(({ sender }) => isOf(sender))
  return [
    usual(part((sender) => !held.has(sender) && !waiting.has(sender))),
    usual(part((sender) => !held.has(sender) && waiting.has(sender))),
    { batch: part((sender) => held.has(sender)), rowLockTimeoutMs: SHORT_LOCK_TIMEOUT_MS },
  ]
}

const usual = <Each extends Pending>(batch: readonly Each[]): BatchPart<Each> => ({
  batch,
  rowLockTimeoutMs: sendersOf(batch).size > 1 ? SENDERS_LOCK_TIMEOUT_MS : undefined,
})

const sendersOf = (batch: readonly Pending[]): ReadonlySet<string> => new Set(batch.map(({ sender }) => sender))
