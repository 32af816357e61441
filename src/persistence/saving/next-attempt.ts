import { refusesTransactions } from '../../database/errors/pooler-error.js'
import { hasSqlState, isBlockedByRow, isServerError, SqlState } from '../../database/sql-state.js'
import { blamesTheRow, isTransient, mayConcernOneRow } from '../blame.js'
import type { Linking } from '../message-rows.js'

/**
 * What to do after a statement failed:
 * - `halve`: one of the messages is the reason; save each half
 * - `sample`: every message may be affected, or one of them; save a few, each alone, to find out
 * - `suspect`: this message fails alone, with an error that affects every message unless others are stored meanwhile
 * - `unlink`: the look-up of contacts is the reason; save without client, or without a note of the one that is named
 * - `drop_references`: the message names a client or an operator that does not exist, or whose id is larger than the column
 *   holds; save it without
 * - `reject`: this message fails for good
 * - `wait`: another transaction holds a row that the message needs; leave it unsettled
 * - `throw`: no message is the reason (connection lost, database busy or not ready); the caller decides
 */
export type NextAttempt = 'halve' | 'sample' | 'suspect' | 'unlink' | 'drop_references' | 'reject' | 'wait' | 'throw'

/** What was being saved when a statement failed. */
export interface FailedAttempt {
  readonly linking: Linking
  /** Messages that are not settled yet. */
  readonly size: number
  /** The only one left is a guest's, and has waited for half of its time: `reconcile` can link it later. */
  readonly mayUnlink: boolean
}

export const nextAttempt = (error: unknown, { linking, size, mayUnlink }: FailedAttempt): NextAttempt => {
  if (isBlockedByRow(error)) {
    if (size > 1) return 'halve'
    return linking === 'linked' && mayUnlink ? 'unlink' : 'wait'
  }
  if (blamesTheRow(error)) {
    if (size > 1) return 'halve'
    return hasSqlState(error, SqlState.foreignKeyViolation, SqlState.numericValueOutOfRange)
      ? 'drop_references'
      : 'reject'
  }
  if (linking === 'noted' && isOfNote(error)) return 'unlink'
  if (!isServerError(error) || isTransient(error) || refusesTransactions(error)) return 'throw'
  const isOneRow = mayConcernOneRow(error)
  if (isOneRow && size > 1) return 'sample'
  // A message is more important than its contact: a missing privilege or table of the look-up does not cost it. With a
  // context the error comes from a trigger, not from the look-up.
  if (linking === 'linked' && error.where === undefined) return 'unlink'
  return isOneRow ? 'suspect' : 'throw'
}

// The table of notes is missing, closed to this role or locked. With a context the error comes from a trigger or from a row.
const isOfNote = (error: unknown): boolean =>
  isServerError(error) &&
  error.where === undefined &&
  (hasSqlState(error, SqlState.lockNotAvailable) || (!isTransient(error) && !refusesTransactions(error)))
