import type { OwnClient } from './own/own-client.js'
import { ExitCode, OperatorError } from '../errors.js'
import { addGuard, readArchiveObjects, validateGuard } from './archive/archive.js'
import { startCapture } from './archive/capture.js'
import { archiveIncomplete, watchCapture, type CaptureWatch } from './archive/missed-writes.js'
import type { OwnState } from './own/own-state.js'
import { countUnarchived, fillArchive } from './archive/fill.js'
import { findUnlinkableGuests, linkGuests, removeOrphans } from './guests/link-guests.js'
import { refuseLateOrphans, refuseOrphans, refuseReferencedOrphans, type OnOrphans } from './guests/orphans.js'
import type { PriceTag } from './plan/price-tag.js'
import type { RollbackRange } from './ledger/rollback-range.js'
import type { MigrationOptions } from './session.js'
import { chatkeep, or } from '../next-step.js'
import { runInApplicationPath, withApplicationPath } from './running/application-path.js'
import { withShortLocks } from '../database/waiting/lock-attempts.js'

/** How far to roll back, and what to do with messages that can get no client. */
export interface RollbackChoice {
  /** The newest migration that stays; 1 undoes the whole guest-chat update. */
  readonly to: number
  readonly onOrphans: OnOrphans
}

export type RollbackOptions = MigrationOptions & RollbackChoice

/** Refuses a rollback that cannot succeed, as far as reading shows it. */
export const refuseImpossible = async (
  client: OwnClient,
  { needsClients }: RollbackRange,
  price: PriceTag,
  { onOrphans }: Pick<RollbackOptions, 'onOrphans'>,
): Promise<void> => {
  refuseUnlinkable(price)
  if (!needsClients || price.messagesToRemove === 0) return
  if (onOrphans === 'abort') await refuseOrphans(client)
  else await refuseReferencedOrphans(client)
}

/** Refuses, with `--on-orphans abort`, guests whose client the application's rules reject, which only a trial shows. */
export const refuseUnlinkableGuests = async (
  client: OwnClient,
  { needsClients }: RollbackRange,
  { onOrphans, signal }: RollbackOptions,
): Promise<void> => {
  if (needsClients && onOrphans === 'abort') await refuseOrphans(client, await findUnlinkableGuests(client, signal))
}

const refuseUnlinkable = ({ clientsToCreate, clientBarriers }: PriceTag): void => {
  if (clientsToCreate === 0 || clientBarriers.length === 0) return
  throw new OperatorError(
    'clients_cannot_be_created',
    `${clientsToCreate} guests need a client, but chatkeep cannot create one; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      details: clientBarriers,
      hint: [chatkeep('verify', 'see how each is repaired'), or('create the clients first')],
    },
  )
}

/** Creates the archive and its trigger. From here on, every write is archived. */
export const beginCapture = async (
  client: OwnClient,
  own: OwnState,
  range: RollbackRange,
  options: RollbackOptions,
): Promise<CaptureWatch> => {
  await options.replicas.untilQuiet(client)
  return withShortLocks(client, options, async () => {
    await startCapture(client, own, range)
    return watchCapture(client)
  })
}

/**
 * Does everything else that can fail before anything is dropped. Each part continues what an earlier, interrupted run left.
 */
export const prepareRollback = async (
  client: OwnClient,
  watch: CaptureWatch,
  range: RollbackRange,
  options: RollbackOptions,
): Promise<void> => {
  options.onEvent({ type: 'note', text: 'archiving guest data' })
  await fillArchive(client, range, options)
  if (range.needsClients) await linkEveryMessage(client, watch, options)
  await watch.refuseMissed(client)
  const missing = await countUnarchived(client, range)
  if (missing > 0) throw archiveIncomplete(missing)
}

const linkEveryMessage = async (client: OwnClient, watch: CaptureWatch, options: RollbackOptions): Promise<void> => {
  const { onEvent, onOrphans, signal } = options
  onEvent({ type: 'note', text: 'linking guests to clients' })
  await linkGuests(client, options)
  if (onOrphans === 'archive') await removeOrphans(client, 'nameless', signal)
  await options.replicas.untilQuiet(client)
  await withShortLocks(client, options, () => ensureGuard(client))
  // A message that is missing from the archive would not be linked.
  await watch.refuseMissed(client)
  // Covers messages written between the first pass and the guard.
  await linkGuests(client, options)
  if (onOrphans === 'archive') await removeOrphans(client, 'all', signal)
  else await refuseLateOrphans(client, options)
  onEvent({ type: 'note', text: 'checking that every message has a client' })
  await withApplicationPath(client, 'session', () => client.query(validateGuard(client.own)))
}

const ensureGuard = async (client: OwnClient): Promise<void> => {
  const { guard } = await readArchiveObjects(client)
  if (!guard) await runInApplicationPath(client, [addGuard(client.own)])
}
