import { setTimeout as delay } from 'node:timers/promises'
import { isServerError } from '../database/sql-state.js'
import { explainRefusal, StoreUnavailable } from './errors.js'
import type { SavedChatMessage } from './message.js'
import type { PreparedMessage } from './prepare-message.js'
import { backoffMs, isRetryable, reasonOf } from './retry.js'

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

/** Tries to store a batch once. What it leaves unsettled, without an error, waits for somebody's row lock. */
export type SaveBatch = (batch: readonly PendingSave[]) => Promise<void>

/** Tries to store a batch until all is settled or waits for a row lock. Never throws: who waits for a message learns of it there. */
export const saveWithRetries = async (batch: readonly PendingSave[], saveBatch: SaveBatch): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    const open = unsettled(batch)
    if (open.length === 0) return
    try {
      await saveBatch(open)
      return
    } catch (error) {
      const pause = backoffMs(attempt)
      for (const one of unsettled(open)) {
        if (!isRetryable(error)) one.fail(explainRefusal(error))
        else if (Date.now() + pause >= one.deadline) one.fail(unavailable(one, error))
      }
      if (unsettled(open).length > 0) await delay(pause)
    }
  }
}

/** Notes that a connection broke under a statement: whatever it was to store may be stored. */
export const noteUnknownOutcome = (batch: readonly PendingSave[], error: unknown): void => {
  if (isServerError(error)) return
  for (const one of unsettled(batch)) one.outcomeUnknown = true
}

/** What is told to whoever waited until the deadline. */
export const unavailable = ({ message }: PendingSave, error: unknown): StoreUnavailable =>
  new StoreUnavailable(reasonOf(error), error, message.idempotencyKey)
