import { commitBarrier } from '../database/durability/commit-barrier.js'
import type { NoticedCommit } from '../database/durability/commit-notice.js'
import { hasSqlState, isBlockedByRow, SqlState, type ServerError } from '../database/sql-state.js'
import { blamesTheRow } from './blame.js'
import { DatabaseRefused, explainRefusal, explainRowRefusal, IdempotencyConflict, MessageNotStored } from './errors.js'
import { ownKeyOf } from './keys/key-scope.js'
import { toId, toIdOrNull } from './ids/ids.js'
import { createClientsOf } from './guest-clients.js'
import type { LookUp } from './look-up/contact-sql.js'
import { splitByLocks } from './locks/split-by-locks.js'
import {
  findByKeys,
  insertMessages,
  namesClient,
  type BatchSession,
  type InsertedRow,
  type Linking,
} from './message-rows.js'
import type { SavedChatMessage } from './message.js'
import { nextAttempt } from './next-attempt.js'
import {
  hasOnlyId,
  mayUnlink,
  noteUnconfirmed,
  noteUnknownOutcome,
  unsettled,
  withoutBlockedSenders,
  type PendingSave,
} from './pending-save.js'
import type { PreparedMessage } from './prepare-message.js'
import { SHORT_LOCK_TIMEOUT_MS } from './sql-names.js'
import { readWaiting } from './wanted/read-waiting.js'
import { unknownIds, type Lacks } from './wanted/unknown-ids.js'
import { createSuspects, sampleOf, type Suspects } from './suspects.js'

/** Other sessions can take a name or free a key between our statements; after this many rounds a message is saved without client. */
const MAX_ROUNDS = 3

/** In a caller's transaction, which a wait for a name holds up, there is only one wait. */
const MAX_ROUNDS_OF_CALLERS = 2

/**
 * Saves messages, each at most once for its key, and settles each separately: a message that the database rejects does not
 * fail the others. Each statement is a transaction, in the order of the batch. A message that waits for another
 * transaction's row lock stays unsettled, and the caller retries it.
 * @param createdNames guests whose client was created for this batch and not yet reported as `clientCreated`
 * @throws errors that no message causes: a lost connection, a busy or unmigrated database; unsettled messages can be retried
 */
export const saveBatch = async (
  session: BatchSession,
  batch: readonly PendingSave[],
  createdNames = new Set<string>(),
): Promise<void> => {
  let suspects: Suspects
  do {
    suspects = createSuspects()
    const saving: Saving = { ...session, linking: 'linked', createdNames, suspects }
    for (const { batch: part, rowLockTimeoutMs } of splitByLocks(unsettled(batch), session.heldGuests)) {
      await save({ ...saving, rowLockTimeoutMs }, part)
    }
    await settleSuspects(saving)
    // Messages of the same senders waited behind them.
  } while (suspects.all().length > 0)
}

/** How a batch, or a part of it, is being saved. */
type Saving = BatchSession & {
  readonly linking: Linking
  /** Guests whose client was created for this batch and not yet reported as `clientCreated`. */
  readonly createdNames: Set<string>
  readonly suspects: Suspects
}

const save = async (session: Saving, batch: readonly PendingSave[]): Promise<void> => {
  if (batch.length === 0) return
  try {
    await saveInRounds(session, batch)
  } catch (error) {
    await saveAfterFailure(session, unsettled(batch), error)
  }
}

const saveAfterFailure = async (session: Saving, open: readonly PendingSave[], error: unknown): Promise<void> => {
  const { linking } = session
  // The only message when the size is 1; otherwise not used.
  const [only] = open
  const maySaveUnlinked = only !== undefined && mayUnlink(only, session.heldGuests)
  const next = nextAttempt(error, { linking, size: open.length, mayUnlink: maySaveUnlinked })
  // The other messages may need the same lock: they do not wait as long for it.
  const again = isBlockedByRow(error) ? { ...session, rowLockTimeoutMs: SHORT_LOCK_TIMEOUT_MS } : session
  // A caller's transaction waits for nothing: the error says whether it can go on.
  if (next === 'throw' || (next === 'wait' && session.transaction === 'callers')) {
    noteUnknownOutcome(open, error)
    throw error
  }
  if (next === 'halve') await saveHalves(again, open)
  if (next === 'sample') await saveAfterSample(again, open, error)
  if (next === 'suspect' && only !== undefined) session.suspects.add(only, error)
  if (next === 'wait' && only !== undefined)
    only.heldBy = hasSqlState(error, SqlState.lockNotAvailable) ? { error } : undefined
  if (next === 'unlink') {
    await save({ ...again, linking: linking === 'linked' ? withoutClient(open) : 'unlinked' }, open)
    // What is stored without its client was held up by that, and not by its key.
    if (isBlockedByRow(error) && only?.isSettled() === true) session.heldGuests?.note(only.message.guestUsername)
  }
  if (next === 'drop_references' && only !== undefined) await saveWithoutReferences(session, only, error)
  if (next === 'reject') only?.fail(explainRefusal(error))
}

// Without an id there is nothing to note.
const withoutClient = (pending: readonly PendingSave[]): Linking =>
  pending.some(({ message }) => namesClient(message)) ? 'noted' : 'unlinked'

const saveHalves = async (session: Saving, open: readonly PendingSave[]): Promise<void> => {
  const middle = Math.ceil(open.length / 2)
  const [before, after] = [open.slice(0, middle), open.slice(middle)]
  await save(session, before)
  await save(session, withoutBlockedSenders(after, before))
}

/**
 * Tries the first messages of a few senders, each alone. If none is stored, the error is everybody's: trying each of hundreds
 * would only take time. Otherwise the messages that fail are found by halving.
 */
const saveAfterSample = async (session: Saving, open: readonly PendingSave[], error: unknown): Promise<void> => {
  const { suspects } = session
  if (suspects.stored() === 0) {
    const sample = sampleOf(open)
    for (const one of sample) await save(session, [one])
    if (sample.every((one) => suspects.has(one))) throw error
  }
  await saveHalves(session, withoutBlockedSenders(unsettled(open), suspects.all()))
}

/** A message that fails again, after others of its kind were stored, is the reason for its error. */
const settleSuspects = async (session: Saving): Promise<void> => {
  const { suspects } = session
  for (const one of suspects.all()) {
    const error = suspects.errorOf(one)
    if (!suspects.isRefuted(one)) one.fail(explainRefusal(error))
    else {
      const again = createSuspects()
      await save({ ...session, suspects: again }, [one])
      if (again.has(one)) one.fail(explainRowRefusal(again.errorOf(one)))
    }
  }
}

/**
 * Settles the messages that a statement stored, once they are as durable as the server promises.
 * @param lacks what is missing in all of them
 * @throws OperatorError `commit_unconfirmed` and the errors of a connection: they are stored, but not settled
 */
export const settleInserted = async (
  session: BatchSession,
  pending: readonly PendingSave[],
  { result: rows, isUnconfirmed }: NoticedCommit<readonly InsertedRow[]>,
  createdNames: Set<string>,
  lacks: Lacks,
): Promise<void> => {
  if (isUnconfirmed && session.transaction === 'own') {
    const keys = new Set(rows.map(({ idempotencyKey }) => idempotencyKey))
    noteUnconfirmed(pending.filter(({ message }) => keys.has(message.idempotencyKey)))
    await commitBarrier(session.client)
  }
  const byKey = new Map(rows.map((row) => [row.idempotencyKey, row]))
  for (const one of pending) {
    const { idempotencyKey, guestUsername } = one.message
    const row = byKey.get(idempotencyKey)
    if (row === undefined) continue
    // A batch can hold two calls with one key; the row belongs to the first.
    byKey.delete(idempotencyKey)
    if (row.clientId !== null) session.heldGuests?.forget(guestUsername)
    const clientCreated = row.clientId !== null && guestUsername !== null && createdNames.delete(guestUsername)
    settle(one, () => {
      one.succeed({
        ...row,
        ...idsOf(row),
        ...unknownIds(one.message, row, lacks),
        idempotencyKey: ownKeyOf(one.message),
        duplicate: false,
        clientCreated,
      })
    })
  }
}

/** Settles a message that is stored; an error, such as an id that is too large to be returned, is its own. */
const settle = (one: PendingSave, succeed: () => void): void => {
  try {
    succeed()
  } catch (error) {
    one.fail(error)
  }
}

const idsOf = ({ id, clientId }: Pick<InsertedRow, 'id' | 'clientId'>): Pick<SavedChatMessage, 'id' | 'clientId'> => ({
  id: toId(id),
  clientId: toIdOrNull(clientId),
})

const saveInRounds = async (session: Saving, batch: readonly PendingSave[]): Promise<void> => {
  if (session.linking === 'linked') return saveLinked(session, batch)
  if (await tryToSave(session, batch)) return
  for (const one of unsettled(batch)) one.fail(new MessageNotStored())
}

const saveLinked = async (session: Saving, batch: readonly PendingSave[]): Promise<void> => {
  const lookUp = session.firstLookUp?.now() ?? 'whole'
  if (await tryToSave(session, batch, lookUp)) return
  const left = unsettled(batch)
  const onlyIds = left.filter(hasOnlyId)
  if (lookUp === 'short' && onlyIds.length > 0) {
    // Their keys were just looked up.
    await insert(session, onlyIds)
    session.firstLookUp?.noteLeftOut(onlyIds)
  }
  // Without a name there is no client to make: only somebody else can insert the one of this id.
  await save({ ...session, linking: 'noted' }, unsettled(onlyIds))
  let guests: readonly PendingSave[] = left.filter((one) => !hasOnlyId(one))
  const rounds = session.transaction === 'own' ? MAX_ROUNDS : MAX_ROUNDS_OF_CALLERS
  for (let round = 2; round <= rounds && unsettled(guests).length > 0; round += 1) {
    guests = await createClientsOf(session, unsettled(guests))
    if (guests.length === 0) return
    const known = guests.filter(({ message }) => !session.createdNames.has(message.guestUsername ?? ''))
    const areSaved = await tryToSave(session, guests)
    if (lookUp === 'short') session.firstLookUp?.noteLeftOut(known)
    if (areSaved) return
  }
  const unlinked = unsettled(guests)
  await save({ ...session, linking: withoutClient(unlinked) }, unlinked)
}

/** @returns whether all are settled; left are guests without client, and keys whose row was just deleted */
const tryToSave = async (session: Saving, batch: readonly PendingSave[], lookUp?: LookUp): Promise<boolean> => {
  const open = unsettled(batch)
  await insert(session, open, lookUp)
  const left = unsettled(open)
  if (left.length > 0) await settleExisting(session, left, session.linking)
  return unsettled(left).length === 0
}

const insert = async (session: Saving, open: readonly PendingSave[], lookUp?: LookUp): Promise<void> => {
  const inserted = await insertMessages(session, open.map(toMessage), session.linking, lookUp)
  const lacks = { waits: session.linking === 'noted', lacksOperator: false }
  await settleInserted(session, open, inserted, session.createdNames, lacks)
  for (const one of open) if (one.isSettled()) session.suspects.noteStored(one)
}

const toMessage = ({ message }: PendingSave): PreparedMessage => message

const settleExisting = async (
  session: BatchSession,
  pending: readonly PendingSave[],
  linking: Linking,
): Promise<void> => {
  const rows = await findByKeys(session, pending.map(toMessage), linking)
  const withoutClient = rows.flatMap(({ position, clientId }) => (clientId === null ? (pending[position] ?? []) : []))
  const isWaiting = await readWaiting(session, withoutClient.map(toMessage).filter(namesClient))
  for (const { position, sameBody, lacksOperator, ...stored } of rows) {
    const one = pending[position]
    if (one === undefined) continue
    const idempotencyKey = ownKeyOf(one.message)
    const isSame = isWaiting.get(one.message.idempotencyKey)
    settle(one, () => {
      const ids = idsOf(stored)
      if (!sameBody || isSame === false) throw new IdempotencyConflict(idempotencyKey, ids.id)
      // The row may come from an earlier attempt of this call: then it is not a duplicate.
      one.succeed({
        ...stored,
        ...ids,
        ...unknownIds(one.message, stored, { waits: isSame === true, lacksOperator }),
        idempotencyKey,
        duplicate: !one.outcomeUnknown,
        clientCreated: false,
      })
    })
  }
}

/** Without its references a message has no number: the id that the server gives it is too large for the column. A trigger's error has a context. */
const isIdTooLarge = (error: unknown): error is ServerError =>
  hasSqlState(error, SqlState.numericValueOutOfRange) && error.where === undefined

// The client can be deleted between look-up and insert, and the operator can be unknown: the message is saved without them.
const saveWithoutReferences = async (session: Saving, pending: PendingSave, first: unknown): Promise<void> => {
  const { message } = pending
  const withoutOperator = { ...message, operatorId: null }
  const attempts: readonly [PreparedMessage, Linking][] = [
    [withoutOperator, 'linked'],
    [message, withoutClient([pending])],
    [withoutOperator, withoutClient([pending])],
    [message, 'unlinked'],
    [withoutOperator, 'unlinked'],
  ]
  for (const [candidate, linking] of attempts) {
    try {
      const inserted = await insertMessages(session, [candidate], linking)
      const lacks = { waits: linking === 'noted', lacksOperator: candidate.operatorId === null }
      await settleInserted(session, [pending], inserted, session.createdNames, lacks)
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
