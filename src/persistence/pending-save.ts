import { isServerError } from '../database/sql-state.js'
import { StoreUnavailable } from './errors.js'
import type { SavedChatMessage } from './message.js'
import type { PreparedMessage } from './prepare-message.js'
import { failureReason } from '../database/connection-failure.js'

/** One message on its way, and where its outcome goes. */
export interface PendingSave {
  readonly message: PreparedMessage
  /** Whoever it is from; the messages of one sender are stored in order. */
  readonly sender: string
  /** When its call was made, in milliseconds since 1970. */
  readonly since: number
  /** When it has been tried long enough, likewise. */
  readonly deadline: number
  readonly outcome: Promise<SavedChatMessage>
  /** An earlier attempt may have stored it unseen: its connection broke before the answer. */
  outcomeUnknown: boolean
  readonly isSettled: () => boolean
  readonly succeed: (saved: SavedChatMessage) => void
  readonly fail: (error: unknown) => void
}

export const createPendingSave = (message: PreparedMessage, deadline: number): PendingSave => {
  let resolve: (saved: SavedChatMessage) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const outcome = new Promise<SavedChatMessage>((onSaved, onFailed) => {
    resolve = onSaved
    reject = onFailed
  })
  let isSettled = false
  return {
    message,
    sender: senderOf(message),
    since: Date.now(),
    deadline,
    outcome,
    outcomeUnknown: false,
    isSettled: () => isSettled,
    succeed: (saved) => {
      isSettled = true
      resolve(saved)
    },
    fail: (error) => {
      isSettled = true
      reject(error)
    },
  }
}

// Both sides of a conversation share one order.
const senderOf = ({ sessionId, guestUsername, clientId, clientSocketId }: PreparedMessage): string => {
  if (sessionId !== null) return `session ${sessionId}`
  if (guestUsername !== null) return `guest ${guestUsername}`
  return clientId !== null ? `client ${clientId}` : `socket ${clientSocketId}`
}

export const unsettled = <Pending extends PendingSave>(batch: readonly Pending[]): Pending[] =>
  batch.filter(({ isSettled }) => !isSettled())

/** Those of a batch that overtake nobody: their senders have nothing in what went before that is held up. */
export const withoutHeldUp = (
  batch: readonly PendingSave[],
  before: readonly PendingSave[],
): readonly PendingSave[] => {
  const heldUp = new Set(unsettled(before).map(({ sender }) => sender))
  return batch.filter(({ sender }) => !heldUp.has(sender))
}

/** Notes that a connection broke under a statement: whatever it was to store may be stored. */
export const noteUnknownOutcome = (batch: readonly PendingSave[], error: unknown): void => {
  if (isServerError(error)) return
  for (const one of unsettled(batch)) one.outcomeUnknown = true
}

/** What is told to whoever waited until the deadline. */
export const unavailable = ({ message }: PendingSave, error: unknown): StoreUnavailable =>
  new StoreUnavailable(failureReason(error), error, message.idempotencyKey)
