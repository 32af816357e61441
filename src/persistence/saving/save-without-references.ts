import { hasSqlState, SqlState, type ServerError } from '../../database/sql-state.js'
import { blamesTheRow } from '../blame.js'
import { DatabaseRefused, explainRefusal } from '../errors.js'
import { insertMessages, withoutClient, type BatchSession, type Linking } from '../message-rows.js'
import type { PendingSave } from '../pending-save.js'
import type { PreparedMessage } from '../prepare-message.js'
import { nextAttempt } from './next-attempt.js'
import { settleExisting, settleInserted } from './settle-rows.js'

/**
 * Saves a message without the client or the operator that it names: the client can be deleted between look-up and insert, and
 * the operator can be unknown.
 * @param first why it was refused with them
 */
export const saveWithoutReferences = async (
  session: BatchSession & { readonly createdNames: Set<string> },
  pending: PendingSave,
  first: unknown,
): Promise<void> => {
  const { message } = pending
  const withoutOperator = { ...message, operatorId: null }
  const attempts: readonly [PreparedMessage, Linking][] = [
    [withoutOperator, 'linked'],
    [message, withoutClient([message])],
    [withoutOperator, withoutClient([message])],
    [message, 'unlinked'],
    [withoutOperator, 'unlinked'],
  ]
  for (const [candidate, linking] of attempts) {
    try {
      const inserting = insertMessages(session, [candidate], linking)
      const lacks = { waits: linking === 'noted', lacksOperator: candidate.operatorId === null }
      await settleInserted(session, [pending], inserting, session.createdNames, lacks)
      // No row: the guest has no client, or another call stored the same message meanwhile.
      if (!pending.isSettled()) await settleExisting(session, [pending], linking)
      if (pending.isSettled()) return
    } catch (error) {
      const next = nextAttempt(error, { linking, size: 1, mayUnlink: false })
      if (!blamesTheRow(error) && next !== 'unlink') throw error
    }
  }
  pending.fail(isIdTooLarge(first) ? new DatabaseRefused(first, 'database') : explainRefusal(first))
}

/** Without its references a message has no number: the id that the server gives it is too large for the column. A trigger's error has a context. */
const isIdTooLarge = (error: unknown): error is ServerError =>
  hasSqlState(error, SqlState.numericValueOutOfRange) && error.where === undefined
