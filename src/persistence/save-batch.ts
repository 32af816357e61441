import { hasSqlState, isBlockedByRow, SqlState } from '../database/sql-state.js'
import { explainRefusal, explainRowRefusal, MessageNotStored } from './errors.js'
import { createClientsOf } from './guest-clients.js'
import type { LookUp } from './look-up/contact-sql.js'
import { splitByLocks } from './locks/split-by-locks.js'
import { insertMessages, withoutClient, type BatchSession, type Linking } from './message-rows.js'
import { hasOnlyId, mayUnlink, messageOf, unsettled, withoutBlockedSenders, type PendingSave } from './pending-save.js'
import { nextAttempt } from './saving/next-attempt.js'
import { saveWithoutReferences } from './saving/save-without-references.js'
import { settleExisting, settleInserted } from './saving/settle-rows.js'
import { createSuspects, sampleOf, type Suspects } from './saving/suspects.js'
import { SHORT_LOCK_TIMEOUT_MS } from './sql-names.js'

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
  if (next === 'throw' || (next === 'wait' && session.transaction === 'callers')) throw error
  if (next === 'halve') await saveHalves(again, open)
  if (next === 'sample') await saveAfterSample(again, open, error)
  if (next === 'suspect' && only !== undefined) session.suspects.add(only, error)
  if (next === 'wait' && only !== undefined)
    only.heldBy = hasSqlState(error, SqlState.lockNotAvailable) ? { error } : undefined
  if (next === 'unlink') {
    await save({ ...again, linking: linking === 'linked' ? withoutClient(open.map(messageOf)) : 'unlinked' }, open)
    // What is stored without its client was held up by that, and not by its key.
    if (isBlockedByRow(error) && only?.isSettled() === true) session.heldGuests?.note(only.message.guestUsername)
  }
  if (next === 'drop_references' && only !== undefined) await saveWithoutReferences(session, only, error)
  if (next === 'reject') only?.fail(explainRefusal(error))
}

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
  await save({ ...session, linking: withoutClient(unlinked.map(messageOf)) }, unlinked)
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
  const inserting = insertMessages(session, open.map(messageOf), session.linking, lookUp)
  const lacks = { waits: session.linking === 'noted', lacksOperator: false }
  await settleInserted(session, open, inserting, session.createdNames, lacks)
  for (const one of open) if (one.isSettled()) session.suspects.noteStored(one)
}
