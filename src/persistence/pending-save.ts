import { StoreUnavailable } from './errors.js'
import { ownKeyOf } from './keys/key-scope.js'
import type { HeldGuests } from './locks/held-guests.js'
import { mayWaitForRow } from './locks/patience.js'
import { heldByOthers, type Hold } from './locks/held-by-others.js'
import type { SavedChatMessage } from './message.js'
import type { PreparedMessage } from './prepare-message.js'
import { failureReason, isConnectionFailure, wasGivenUp } from '../database/connection-failure.js'

/** A message that is being saved, and its outcome. */
export interface PendingSave {
  readonly message: PreparedMessage
  /** Messages of one sender are stored in order. */
  readonly sender: string
  /** When its call was made, in milliseconds since 1970. */
  readonly since: number
  /** When retries end, in milliseconds since 1970. */
  readonly deadline: number
  readonly outcome: Promise<SavedChatMessage>
  /** An earlier attempt may have stored it: the connection broke before the answer. */
  outcomeUnknown: boolean
  /** Another transaction held it up at the last attempt. */
  heldBy: Hold | undefined
  /** Why the last attempt failed that says so. */
  lastError: unknown
  /** How often it was tried, and with how many messages in one statement the last time. */
  attempts: number
  batchSize: number
  /** Its call has failed while the message may still be on its way to the server, where it may be stored. */
  isGivenUp: boolean
  /** Called once, when it is settled. */
  onSettled: (() => void) | undefined
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
  const settle = (): void => {
    if (isSettled) return
    isSettled = true
    pending.onSettled?.()
  }
  const pending: PendingSave = {
    message,
    sender: senderOf(message),
    since: Date.now(),
    deadline,
    outcome,
    outcomeUnknown: false,
    heldBy: undefined,
    lastError: undefined,
    attempts: 0,
    batchSize: 0,
    isGivenUp: false,
    onSettled: undefined,
    isSettled: () => isSettled,
    succeed: (saved) => {
      resolve(saved)
      settle()
    },
    fail: (error) => {
      reject(error)
      settle()
    },
  }
  return pending
}

// Both sides of a conversation share one order.
const senderOf = ({ sessionId, guestUsername, clientId, clientSocketId }: PreparedMessage): string => {
  if (sessionId !== null) return `session ${sessionId}`
  if (guestUsername !== null) return `guest ${guestUsername}`
  return clientId !== null ? `client ${clientId}` : `socket ${clientSocketId}`
}

export const unsettled = <Pending extends PendingSave>(batch: readonly Pending[]): Pending[] =>
  batch.filter(({ isSettled }) => !isSettled())

/** The messages of a batch that can be saved in order: their senders have no unsettled message in `before`. */
export const withoutBlockedSenders = (
  batch: readonly PendingSave[],
  before: readonly PendingSave[],
): readonly PendingSave[] => {
  const blocked = new Set(unsettled(before).map(({ sender }) => sender))
  return batch.filter(({ sender }) => !blocked.has(sender))
}

/** Notes that the messages are tried now, together. */
export const noteAttempt = (batch: readonly PendingSave[]): void => {
  for (const one of batch) {
    one.attempts += 1
    one.batchSize = batch.length
  }
}

export const messageOf = ({ message }: Pick<PendingSave, 'message'>): PreparedMessage => message

/** Whether the message names its client by the id alone. */
export const hasOnlyId = ({ message }: PendingSave): boolean =>
  message.guestUsername === null && message.clientId !== null

/** Whether a guest's message has waited long enough to be stored without its client: it keeps the name, and reconcile links it later. */
export const mayUnlink = (pending: PendingSave, heldGuests: HeldGuests | undefined): boolean => {
  const { guestUsername } = pending.message
  return guestUsername !== null && (heldGuests?.isHeld(guestUsername) === true || !mayWaitForRow(pending))
}

/** Why an attempt failed after another: of one whose time was up, the earlier one may say why. */
export const whyFailed = (earlier: unknown, error: unknown): unknown =>
  earlier === undefined || !wasGivenUp(error) ? error : earlier

/** Marks the messages of a statement whose connection broke: they may be stored. */
export const noteUnknownOutcome = (batch: readonly PendingSave[], error: unknown): void => {
  if (isConnectionFailure(error)) noteUnconfirmed(unsettled(batch))
}

/** Marks messages that are stored, but that no standby need have: their rows, when found by key, are those of this call. */
export const noteUnconfirmed = (stored: readonly PendingSave[]): void => {
  for (const one of stored) one.outcomeUnknown = true
}

/** Ends a save for a signal: what was never sent is not stored, and the reason says all; else it may be. */
export const abortSave = (pending: PendingSave, reason: unknown): void => {
  const { attempts, message } = pending
  giveUp(pending, attempts === 0 ? reason : new StoreUnavailable('the save was aborted', reason, ownKeyOf(message)))
}

/** Fails the call of a message that may be on its way. */
export const giveUp = (pending: PendingSave, error: unknown): void => {
  if (pending.isSettled()) return
  pending.isGivenUp = true
  pending.fail(error)
}

/** The error of a message that reached its deadline. */
export const unavailable = ({ message }: Pick<PendingSave, 'message'>, error: unknown): StoreUnavailable =>
  new StoreUnavailable(failureReason(error), error, ownKeyOf(message))

/** The error of a message that another transaction held up until its deadline. */
export const heldUp = (pending: Pick<PendingSave, 'message'>, by: Hold): StoreUnavailable =>
  unavailable(pending, heldByOthers(by, ownKeyOf(pending.message)))
