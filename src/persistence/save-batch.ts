import { hasSqlState, isServerError, SqlState } from '../database/sql-state.js'
import { explainRefusal, IdempotencyConflict, MessageNotStored } from './errors.js'
import { createGuestClients, type Guest } from './guest-clients.js'
import {
  findByKeys,
  insertMessages,
  type BatchSession,
  type ExistingRow,
  type InsertedRow,
  type Linking,
} from './message-rows.js'
import { noteUnknownOutcome, unsettled, type PendingSave } from './pending-save.js'
import type { PreparedMessage } from './prepare-message.js'
import { isRetryable } from './retry.js'

/** A name can be taken, and a key given up, by others between our statements; after this many rounds a message goes without client. */
const MAX_ROUNDS = 3

/**
 * Writes messages, each at most once for its key, and settles each by itself: what the database rejects fails alone.
 * Every statement commits by itself, and in the order of the batch. A message that somebody's row lock holds up is left
 * unsettled, for the caller to try again.
 * @throws what is no message's fault: a broken connection, a busy or unready database; then what is unsettled may be tried again
 */
export const saveBatch = async (
  session: BatchSession,
  batch: readonly PendingSave[],
  linking: Linking = 'linked',
): Promise<void> => {
  if (batch.length === 0) return
  try {
    await saveInRounds(session, batch, linking)
  } catch (error) {
    const open = unsettled(batch)
    if (blamesTheRow(error) || isBlockedByRow(error)) await saveApart(session, open, linking, error)
    // Whatever is wrong with the look-up of contacts (a right that is missing, a table that is gone) must not cost the message.
    else if (linking === 'linked' && isServerError(error) && !isRetryable(error)) {
      await saveBatch(session, open, 'unlinked')
    } else {
      noteUnknownOutcome(open, error)
      throw error
    }
  }
}

const saveApart = async (
  session: BatchSession,
  open: readonly PendingSave[],
  linking: Linking,
  error: unknown,
): Promise<void> => {
  const [only] = open
  if (open.length > 1) {
    const middle = Math.ceil(open.length / 2)
    const [before, after] = [open.slice(0, middle), open.slice(middle)]
    await saveBatch(session, before, linking)
    // Nobody's message overtakes an earlier one of his that is held up.
    const heldUp = new Set(unsettled(before).map(({ sender }) => sender))
    await saveBatch(
      session,
      after.filter(({ sender }) => !heldUp.has(sender)),
      linking,
    )
  } else if (only !== undefined && blamesTheRow(error)) {
    await saveWithoutReferences(session, only, error)
  }
}

/** Settles what a statement has stored. */
export const settleInserted = (
  pending: readonly PendingSave[],
  rows: readonly InsertedRow[],
  createdNames = new Set<string>(),
): void => {
  const byKey = new Map(rows.map((row) => [row.idempotencyKey, row]))
  for (const one of pending) {
    const { idempotencyKey, guestUsername } = one.message
    const row = byKey.get(idempotencyKey)
    if (row === undefined) continue
    // Two calls with one key may stand in one batch; the row is the first one's.
    byKey.delete(idempotencyKey)
    const clientCreated = row.clientId !== null && guestUsername !== null && createdNames.delete(guestUsername)
    one.succeed({ ...row, duplicate: false, clientCreated })
  }
}

const saveInRounds = async (session: BatchSession, batch: readonly PendingSave[], linking: Linking): Promise<void> => {
  const createdNames = new Set<string>()
  for (let round = 1; linking === 'linked' && round <= MAX_ROUNDS; round += 1) {
    if (await tryToSave(session, batch, 'linked', createdNames)) return
    if (round === MAX_ROUNDS) break
    const created = await createGuestClients(session.client, session.names, guestsOf(unsettled(batch)))
    for (const username of created) createdNames.add(username)
  }
  if (await tryToSave(session, batch, 'unlinked', createdNames)) return
  for (const one of unsettled(batch)) one.fail(new MessageNotStored())
}

/** @returns whether nothing is left: neither a guest without client nor a key whose holder has just gone */
const tryToSave = async (
  session: BatchSession,
  batch: readonly PendingSave[],
  linking: Linking,
  createdNames: Set<string>,
): Promise<boolean> => {
  const open = unsettled(batch)
  settleInserted(open, await insertMessages(session, open.map(toMessage), linking), createdNames)
  const left = unsettled(open)
  if (left.length > 0) settleExisting(left, await findByKeys(session, left.map(toMessage)))
  return unsettled(left).length === 0
}

const toMessage = ({ message }: PendingSave): PreparedMessage => message

const settleExisting = (pending: readonly PendingSave[], rows: readonly ExistingRow[]): void => {
  for (const { position, sameBody, id, ...stored } of rows) {
    const one = pending[position]
    if (one === undefined) continue
    const { idempotencyKey } = one.message
    if (!sameBody) one.fail(new IdempotencyConflict(idempotencyKey, id))
    // Our own earlier attempt may be what it met: then this call saved it after all.
    else one.succeed({ ...stored, id, idempotencyKey, duplicate: !one.outcomeUnknown, clientCreated: false })
  }
}

/** The guests that messages name, each as in his first message: what follows changes no client, in one batch as little as in several. */
export const guestsOf = (pending: readonly PendingSave[]): readonly Guest[] => {
  const guests = new Map<string, Guest>()
  for (const { message } of pending) {
    const { guestUsername: username, guestPhone: phone } = message
    if (username !== null && !guests.has(username)) guests.set(username, { username, phone })
  }
  return [...guests.values()]
}

// The contact may vanish between look-up and insert, and an operator may be unknown: the message is kept without them.
const saveWithoutReferences = async (session: BatchSession, pending: PendingSave, first: unknown): Promise<void> => {
  const { message } = pending
  const withoutOperator = { ...message, operatorId: null }
  const attempts: readonly [PreparedMessage, Linking][] = hasSqlState(first, SqlState.foreignKeyViolation)
    ? [
        [withoutOperator, 'linked'],
        [message, 'unlinked'],
        [withoutOperator, 'unlinked'],
      ]
    : []
  for (const [candidate, linking] of attempts) {
    try {
      settleInserted([pending], await insertMessages(session, [candidate], linking))
      if (pending.isSettled()) return
    } catch (error) {
      if (!blamesTheRow(error)) throw error
    }
  }
  pending.fail(explainRefusal(first))
}

/**
 * Classes of SQLSTATE that blame a row: data exception, integrity constraint violation, program limit exceeded
 * (an index entry too long), and an exception raised by a trigger.
 */
const ROW_CLASSES = /^(22|23|54|P0001)/

/** Of class 22, but true for every row: the sequence of the ids has come to its end. */
const SEQUENCE_LIMIT_EXCEEDED = '2200H'

/** Whether the server rejects a row, so that others of the same statement may be well. */
export const blamesTheRow = (error: unknown): boolean =>
  isServerError(error) && ROW_CLASSES.test(error.code) && error.code !== SEQUENCE_LIMIT_EXCEEDED

/** Whether somebody holds a row; a wait for a row has a context (the row, or the foreign key's own statement), one for the whole table has none. */
export const isBlockedByRow = (error: unknown): boolean =>
  hasSqlState(error, SqlState.lockNotAvailable) && error.where !== undefined
