import type { OwnNames } from '../../persistence/own-names.js'
import { onlyRow } from '../../database/rows.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { dropGuard } from '../archive/archive.js'
import type { OwnClient } from '../own/own-client.js'
import { readReferences, referencingRows } from './references.js'
import { withShortLocks, type LockWaitOptions } from '../../database/waiting/lock-attempts.js'
import { again, chatkeep, or, type Next } from '../../next-step.js'

/**
 * What a rollback does with messages that have no client and cannot get one: `archive` moves them to the archive, `abort`
 * refuses the rollback.
 */
export type OnOrphans = 'archive' | 'abort'

const SAMPLE = 5

interface Orphans {
  readonly count: number
  /** Ids of the first few. */
  readonly sample: readonly string[]
}

const selectOrphans = ({ message }: OwnNames, condition: string): string => `
  SELECT count(*)::integer AS "count", coalesce((pg_catalog.array_agg(m."id"::text ORDER BY m."id"))[1:${SAMPLE}], '{}') AS "sample"
  FROM ${message} AS m
  WHERE m."clientId" IS NULL AND (${condition})`

const NO_NAME = `nullif(btrim(m."guestUsername"), '') IS NULL`

/**
 * Refuses a rollback with messages that can get no client, before anything is changed.
 * @param unlinkable guest names that cannot become a client
 * @throws OperatorError `messages_without_client` (exit 5) with their number and some ids
 */
export const refuseOrphans = async (client: OwnClient, unlinkable: readonly string[] = []): Promise<void> => {
  const orphans = onlyRow(
    await client.query<Orphans>(selectOrphans(client.own, `${NO_NAME} OR m."guestUsername" = ANY ($1)`), [unlinkable]),
  )
  if (orphans.count > 0) throw orphansFound(orphans, 'nothing was changed', FIRST_HINT)
}

const FIRST_HINT = [
  'give them a client or a guest name first',
  or(chatkeep('reconcile', 'links those with the name of a client')),
  or(again('--on-orphans archive', 'moves them to the archive')),
]

/**
 * Checks again under the guard, which keeps new ones out. Drops the guard on refusal, because it would reject updates of
 * those messages.
 * @throws OperatorError `messages_without_client` (exit 5)
 */
export const refuseLateOrphans = async (client: OwnClient, options: LockWaitOptions): Promise<void> => {
  const orphans = onlyRow(await client.query<Orphans>(selectOrphans(client.own, 'true')))
  if (orphans.count === 0) return
  await withShortLocks(client, options, () => dropGuard(client))
  throw orphansFound(orphans, 'nothing was dropped; messages archived and linked so far are kept', LATE_HINT)
}

const LATE_HINT = [
  'they were written during the rollback: stop the application version that still saves messages without a client',
  again('--on-orphans archive', 'move them to the archive'),
  or(chatkeep('migrate', 'go back')),
]

const orphansFound = ({ count, sample }: Orphans, state: string, hint: Next): OperatorError =>
  new OperatorError(
    'messages_without_client',
    `${count === 1 ? '1 message has' : `${count} messages have`} neither a client nor a usable guest name; ${state}`,
    {
      exitCode: ExitCode.refused,
      details: [
        `"ChatMessage" id ${sample.join(', ')}${count > sample.length ? `, and ${count - sample.length} more` : ''}`,
      ],
      hint,
    },
  )

/**
 * Refuses to move messages that other rows reference: the foreign key would reject the delete or cascade to those rows.
 * @throws OperatorError `messages_are_referenced` (exit 5)
 */
export const refuseReferencedOrphans = async (client: OwnClient): Promise<void> => {
  for (const reference of await readReferences(client, client.own.message)) {
    const referenced = `${NO_NAME} AND EXISTS (${referencingRows(reference, 'm')})`
    const orphans = onlyRow(await client.query<Orphans>(selectOrphans(client.own, referenced)))
    if (orphans.count === 0) continue
    throw new OperatorError(
      'messages_are_referenced',
      `${orphans.count} messages would leave the table, but rows of ${reference.table} reference them; nothing was changed`,
      {
        exitCode: ExitCode.refused,
        details: [`"ChatMessage" id ${orphans.sample.join(', ')}`],
        hint: 'give these messages a client first, or delete the rows that reference them',
      },
    )
  }
}
