import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { dropGuard } from '../archive/archive.js'
import { findUnlinkableGuests } from './link-guests.js'
import { readReferences } from './references.js'
import { withShortLocks, type LockWaitOptions } from '../running/short-lock.js'

/**
 * What becomes of messages that have no client and can get none, where every message needs one: `archive` moves them into the
 * archive whole, `abort` refuses the rollback.
 */
export type OnOrphans = 'archive' | 'abort'

const SAMPLE = 5

interface Orphans {
  readonly count: number
  /** Ids of the first ones. */
  readonly sample: readonly string[]
}

const selectOrphans = (condition: string): string => `
  SELECT count(*)::integer AS "count", coalesce((array_agg(m."id"::text ORDER BY m."id"))[1:${SAMPLE}], '{}') AS "sample"
  FROM "ChatMessage" AS m
  WHERE m."clientId" IS NULL AND (${condition})`

const NO_NAME = `nullif(btrim(m."guestUsername"), '') IS NULL`

/**
 * Looks for messages that would have to leave the table, before anything is changed.
 * @throws OperatorError `messages_without_client` (exit 5) with how many there are and some of their ids
 */
export const refuseOrphans = async (client: Queryable, signal: AbortSignal): Promise<void> => {
  const unlinkable = await findUnlinkableGuests(client, signal)
  const orphans = onlyRow(
    await client.query<Orphans>(selectOrphans(`${NO_NAME} OR m."guestUsername" = ANY ($1)`), [unlinkable]),
  )
  if (orphans.count > 0) throw orphansFound(orphans, 'nothing was changed', FIRST_HINT)
}

const FIRST_HINT =
  'give them a client or a guest name first (chatkeep reconcile links those with a name), or let them wait in the archive: --on-orphans archive'

/**
 * Looks again under the guard, when no more can come. The guard goes then: it would refuse changes of those messages.
 * @throws OperatorError `messages_without_client` (exit 5)
 */
export const refuseLateOrphans = async (client: Queryable, options: LockWaitOptions): Promise<void> => {
  const orphans = onlyRow(await client.query<Orphans>(selectOrphans('true')))
  if (orphans.count === 0) return
  await withShortLocks(client, options, () => dropGuard(client))
  throw orphansFound(orphans, 'nothing was dropped; what was archived and linked so far is kept', LATE_HINT)
}

const LATE_HINT =
  'they came while the rollback ran: is the old version of the application running? Go back with chatkeep migrate, or run the rollback again, with --on-orphans archive if they are to wait in the archive'

const orphansFound = ({ count, sample }: Orphans, state: string, hint: string): OperatorError =>
  new OperatorError(
    'messages_without_client',
    `${count === 1 ? '1 message has' : `${count} messages have`} neither a client nor a guest name of which one can be made; ${state}`,
    {
      exitCode: ExitCode.refused,
      details: [
        `"ChatMessage" id ${sample.join(', ')}${count > sample.length ? `, and ${count - sample.length} more` : ''}`,
      ],
      hint,
    },
  )

/**
 * A message that leaves the table takes along what refers to it, or cannot leave; neither comes back with it.
 * @throws OperatorError `messages_are_referenced` (exit 5)
 */
export const refuseReferencedOrphans = async (client: Queryable): Promise<void> => {
  for (const { table, column, key } of await readReferences(client, 'ChatMessage')) {
    const referenced = `${NO_NAME} AND EXISTS (SELECT FROM ${table} AS r WHERE r.${column} = m.${key})`
    const orphans = onlyRow(await client.query<Orphans>(selectOrphans(referenced)))
    if (orphans.count === 0) continue
    throw new OperatorError(
      'messages_are_referenced',
      `${orphans.count} messages would leave the table, but rows of ${table} refer to them; nothing was changed`,
      {
        exitCode: ExitCode.refused,
        details: [`"ChatMessage" id ${orphans.sample.join(', ')}`],
        hint: 'give these messages a client first, or remove what refers to them',
      },
    )
  }
}
