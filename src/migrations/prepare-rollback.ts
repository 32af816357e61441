import type { Queryable } from '../database/connection.js'
import { ExitCode, OperatorError } from '../errors.js'
import { ADD_GUARD, readArchiveObjects, VALIDATE_GUARD } from './archive/archive.js'
import { startCapture } from './archive/capture.js'
import { countUnarchived, fillArchive } from './archive/fill.js'
import { linkGuests, removeOrphans } from './guests/link-guests.js'
import { refuseLateOrphans, refuseOrphans, refuseReferencedOrphans, type OnOrphans } from './guests/orphans.js'
import type { PriceTag } from './plan/price-tag.js'
import type { RollbackRange } from './ledger/rollback-range.js'
import type { MigrationOptions } from './session.js'
import { withShortLocks } from './running/short-lock.js'

/** How far back, and what to do with messages that can have no client there. */
export interface RollbackChoice {
  /** The newest migration that stays; 1 undoes the whole guest-chat update. */
  readonly to: number
  readonly onOrphans: OnOrphans
}

export type RollbackOptions = MigrationOptions & RollbackChoice

/** All that can be known before anything is changed. */
export const refuseImpossible = async (
  client: Queryable,
  { needsClients }: RollbackRange,
  price: PriceTag,
  { onOrphans, signal }: RollbackOptions,
): Promise<void> => {
  refuseUnlinkable(price)
  if (!needsClients) return
  if (onOrphans === 'abort') await refuseOrphans(client, signal)
  else if (price.messagesToRemove > 0) await refuseReferencedOrphans(client)
}

const refuseUnlinkable = ({ clientsToCreate, blockingClientColumns }: PriceTag): void => {
  if (clientsToCreate === 0 || blockingClientColumns.length === 0) return
  throw new OperatorError(
    'clients_cannot_be_created',
    `${clientsToCreate} guests need a client, but none can be created: "Client" has columns that must be filled`,
    {
      exitCode: ExitCode.refused,
      details: blockingClientColumns.map((column) => `"Client"."${column}" is NOT NULL and has no default`),
      hint: 'give these columns a default, or create the clients first; nothing was changed',
    },
  )
}

/** Everything that can fail happens here, before anything is dropped. Each part finds its own traces of an earlier, cut run. */
export const prepareRollback = async (
  client: Queryable,
  range: RollbackRange,
  options: RollbackOptions,
): Promise<void> => {
  const { onEvent, schema } = options
  await withShortLocks(client, options, () => startCapture(client, schema, range))
  onEvent({ type: 'note', text: 'archiving guest data' })
  await fillArchive(client, range, options)
  if (range.needsClients) await giveClients(client, options)
  const missing = await countUnarchived(client, range)
  if (missing > 0) throw archiveIncomplete(missing)
}

const giveClients = async (client: Queryable, options: RollbackOptions): Promise<void> => {
  const { onEvent, onOrphans, signal } = options
  onEvent({ type: 'note', text: 'linking guests to clients' })
  await linkGuests(client, options)
  if (onOrphans === 'archive') await removeOrphans(client, 'nameless', signal)
  await withShortLocks(client, options, () => addGuard(client))
  // What was written between the last look and the guard.
  await linkGuests(client, options)
  if (onOrphans === 'archive') await removeOrphans(client, 'all', signal)
  else await refuseLateOrphans(client, options)
  onEvent({ type: 'note', text: 'checking that every message has a client' })
  await client.query(VALIDATE_GUARD)
}

const archiveIncomplete = (missing: number): OperatorError =>
  new OperatorError(
    'archive_incomplete',
    `the guest data of ${missing} messages is not in the archive; nothing was dropped`,
    {
      exitCode: ExitCode.no,
      hint: 'is the trigger chatkeep_capture disabled, or session_replication_role set? Mend that and run the rollback again',
    },
  )

const addGuard = async (client: Queryable): Promise<void> => {
  const { guard } = await readArchiveObjects(client)
  if (guard) return
  await client.query(ADD_GUARD)
}
