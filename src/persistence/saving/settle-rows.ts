import { commitBarrier } from '../../database/durability/commit-barrier.js'
import type { NoticedCommit } from '../../database/durability/commit-notice.js'
import { IdempotencyConflict } from '../errors.js'
import { toId, toIdOrNull } from '../ids/ids.js'
import { ownKeyOf } from '../keys/key-scope.js'
import { findByKeys, namesClient, type BatchSession, type InsertedRow, type Linking } from '../message-rows.js'
import type { SavedChatMessage } from '../message.js'
import { messageOf, noteUnconfirmed, noteUnknownOutcome, type PendingSave } from '../pending-save.js'
import { readWaiting } from '../wanted/read-waiting.js'
import { unknownIds, type Lacks } from '../wanted/unknown-ids.js'

/**
 * Settles the messages that a statement stores, once they are as durable as the server promises.
 * @param inserting the statement, which may store messages of `pending`: all that do so come here, since its outcome may stay unknown
 * @param lacks what is missing in all of them
 * @throws OperatorError `commit_unconfirmed` and the errors of a connection: they may be stored, but are not settled
 */
export const settleInserted = async (
  session: BatchSession,
  pending: readonly PendingSave[],
  inserting: Promise<NoticedCommit<readonly InsertedRow[]>>,
  createdNames: Set<string>,
  lacks: Lacks,
): Promise<void> => {
  const { result: rows, isUnconfirmed } = await inserting.catch((error: unknown) => {
    noteUnknownOutcome(pending, error)
    throw error
  })
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

/** Settles the messages whose keys are taken: by the same message, or by another one. */
export const settleExisting = async (
  session: BatchSession,
  pending: readonly PendingSave[],
  linking: Linking,
): Promise<void> => {
  const rows = await findByKeys(session, pending.map(messageOf), linking)
  const withoutClient = rows.flatMap(({ position, clientId }) => (clientId === null ? (pending[position] ?? []) : []))
  const isWaiting = await readWaiting(session, withoutClient.map(messageOf).filter(namesClient))
  const claimed = new Set<string>()
  for (const { position, sameBody, lacksOperator, ...stored } of rows) {
    const one = pending[position]
    if (one === undefined) continue
    const idempotencyKey = ownKeyOf(one.message)
    // The row may come from an earlier attempt of this call: then it is not a duplicate. Of two calls with one key, it is the first one's.
    const isOwn = one.outcomeUnknown && !claimed.has(one.message.idempotencyKey)
    const isSame = isWaiting.get(one.message.idempotencyKey)
    settle(one, () => {
      const ids = idsOf(stored)
      if (!sameBody || isSame === false) throw new IdempotencyConflict(idempotencyKey, ids.id)
      if (isOwn) claimed.add(one.message.idempotencyKey)
      one.succeed({
        ...stored,
        ...ids,
        ...unknownIds(one.message, stored, { waits: isSame === true, lacksOperator }),
        idempotencyKey,
        duplicate: !isOwn,
        clientCreated: false,
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
