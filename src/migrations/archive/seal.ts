import type { OwnNames } from '../../persistence/own-names.js'
import { withShortLocks, type LockWaitOptions } from '../../database/waiting/lock-attempts.js'
import { canReadRuns, type OwnClient } from '../own/own-client.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { dropArchive, readArchiveObjects, summariseArchive, type ArchiveSummary } from './archive.js'
import { BASE_MIGRATION } from '../ledger/migration-names.js'
import type { RollbackRange } from '../ledger/rollback-range.js'
import { recordRun } from '../ledger/runs.js'
import { chatkeep, or } from '../../next-step.js'

/** The last recorded run that concerns the existing archive. */
interface ArchiveRun {
  readonly action: 'archive begun' | 'archive'
  /** The newest migration that stays. Runs of older versions undid everything. */
  readonly to: number
}

// A restore ends an archive, so only later runs count.
const selectArchiveRun = ({ runs }: OwnNames): string => `
  SELECT "action", coalesce(("detail" ->> 'to')::integer, ${BASE_MIGRATION}) AS "to"
  FROM ${runs}
  WHERE "action" IN ('archive begun', 'archive')
    AND "id" > coalesce((SELECT max("id") FROM ${runs} WHERE "action" = 'restore'), 0)
  ORDER BY "id" DESC
  LIMIT 1`

const readArchiveRun = async (client: OwnClient): Promise<ArchiveRun | undefined> => {
  if (!(await canReadRuns(client))) return undefined
  return (await client.query<ArchiveRun>(selectArchiveRun(client.own))).rows[0]
}

/** Whether an archive was begun but never sealed because its rollback was interrupted, perhaps at its last statement. */
export const isArchiveOpen = async (client: OwnClient): Promise<boolean> =>
  (await readArchiveObjects(client)).archive && (await readArchiveRun(client))?.action === 'archive begun'

/**
 * Refuses a rollback that keeps more migrations than an earlier one whose archive still exists. It would have to restore
 * what that one linked and moved, which is the job of migrate.
 * @throws OperatorError `wider_rollback_waits` (exit 5)
 */
export const refuseNarrower = async (client: OwnClient, { to, files }: RollbackRange): Promise<void> => {
  const objects = await readArchiveObjects(client)
  if (files.length === 0 || !Object.values(objects).includes(true)) return
  const run = await readArchiveRun(client)
  const earlier = run?.to ?? (objects.guard ? BASE_MIGRATION : to)
  if (earlier >= to) return
  const state = run?.action === 'archive' ? 'is not restored yet' : 'did not finish'
  throw new OperatorError(
    'wider_rollback_waits',
    `an earlier rollback to migration ${earlier} ${state}, so a rollback to ${to} cannot begin; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      hint: [
        chatkeep('migrate', 'restore everything first'),
        or(chatkeep(`rollback --to ${earlier}`, 'finish that rollback')),
      ],
    },
  )
}

/** Records that the archive is about to change, which invalidates an earlier seal. */
export const openArchive = async (client: OwnClient, to: number): Promise<void> => {
  const run = await readArchiveRun(client)
  if (run?.action === 'archive begun' && run.to === to) return
  await recordRun(client, { action: 'archive begun', durationMs: 0, detail: { to } })
}

const NOTHING: ArchiveSummary = {
  messages: 0,
  removedMessages: 0,
  linkedMessages: 0,
  clients: 0,
  checksum: '0',
}

/** Records size and checksum of the archive. The trigger is gone by then, so the archive no longer changes. */
export const sealArchive = async (
  client: OwnClient,
  { to, durationMs }: { readonly to: number; readonly durationMs: number },
  options: LockWaitOptions,
): Promise<ArchiveSummary> => {
  const objects = await readArchiveObjects(client)
  if (!objects.archive) return NOTHING
  const summary = await summariseArchive(client)
  if (summary.messages > 0 || summary.clients > 0)
    await recordRun(client, { action: 'archive', durationMs, detail: { ...summary, to } })
  else await withShortLocks(client, options, () => dropArchive(client))
  return summary
}

const selectSeal = ({ runs }: OwnNames): string => `
  SELECT "action", "detail" ->> 'checksum' AS "checksum", ("detail" ->> 'messages')::integer AS "messages"
  FROM ${runs}
  WHERE "action" IN ('archive begun', 'archive', 'restore begun')
  ORDER BY "id" DESC
  LIMIT 1`

interface Seal {
  readonly action: string
  readonly checksum: string
  readonly messages: number
}

/**
 * Compares the archive with its seal, and records that a restore begins. Skips the comparison if there is no valid seal: the
 * rollback was interrupted before sealing, or an interrupted restore already took rows out.
 * @throws OperatorError `archive_changed` (exit 5)
 */
export const breakSeal = async (client: OwnClient, actual: ArchiveSummary): Promise<void> => {
  const { rows } = await client.query<Seal>(selectSeal(client.own))
  const sealed = rows[0]
  if (sealed?.action !== 'archive') return
  if (actual.checksum !== sealed.checksum || actual.messages !== sealed.messages)
    throw archiveChanged(client.own, sealed, actual)
  await recordRun(client, { action: 'restore begun', durationMs: 0 })
}

const archiveChanged = (
  { archive }: OwnNames,
  sealed: Pick<Seal, 'messages'>,
  actual: Pick<Seal, 'messages'>,
): OperatorError =>
  new OperatorError(
    'archive_changed',
    `the archive of the last rollback was modified: it had ${sealed.messages} messages, now it has ${actual.messages}; nothing was restored`,
    {
      exitCode: ExitCode.refused,
      hint: `restore the table ${archive} from a backup; to continue without restoring, rename it`,
    },
  )
