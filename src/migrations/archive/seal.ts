import type { Queryable } from '../../database/connection.js'
import { inTransaction } from '../../database/transaction.js'
import { ExitCode, OperatorError } from '../../errors.js'
import {
  dropArchive,
  ensureArchiveTables,
  readArchiveObjects,
  summariseArchive,
  type ArchiveObjects,
  type ArchiveSummary,
} from './archive.js'
import { BASE_MIGRATION, type RollbackRange } from '../ledger/rollback-range.js'
import { hasRunsTable, recordRun } from '../ledger/runs.js'

/** The last that the runs say of the archive that is there. */
interface ArchiveRun {
  readonly action: 'archive begun' | 'archive'
  /** The newest migration that stays; runs of older versions undid all. */
  readonly to: number
}

// With the end of a restore an archive is gone, and what was said of it.
const SELECT_ARCHIVE_RUN = `
  SELECT "action", coalesce(("detail" ->> 'to')::integer, ${BASE_MIGRATION}) AS "to"
  FROM "chatkeep_runs"
  WHERE "action" IN ('archive begun', 'archive')
    AND "id" > coalesce((SELECT max("id") FROM "chatkeep_runs" WHERE "action" = 'restore'), 0)
  ORDER BY "id" DESC
  LIMIT 1`

const readArchiveRun = async (client: Queryable): Promise<ArchiveRun | undefined> => {
  if (!(await hasRunsTable(client))) return undefined
  return (await client.query<ArchiveRun>(SELECT_ARCHIVE_RUN)).rows[0]
}

const isThere = ({ archive, guestClients }: ArchiveObjects): boolean => archive || guestClients

/** Whether an archive was begun and never sealed: its rollback was cut, perhaps just before its last statement. */
export const isArchiveOpen = async (client: Queryable): Promise<boolean> =>
  isThere(await readArchiveObjects(client)) && (await readArchiveRun(client))?.action === 'archive begun'

/**
 * A rollback that keeps more migrations than the one whose archive waits would have to give back what that one linked and
 * moved out: that is what migrate does.
 * @throws OperatorError `wider_rollback_waits` (exit 5)
 */
export const refuseNarrower = async (client: Queryable, { to, files }: RollbackRange): Promise<void> => {
  const objects = await readArchiveObjects(client)
  if (files.length === 0 || !Object.values(objects).includes(true)) return
  const run = await readArchiveRun(client)
  const earlier = run?.to ?? (objects.guard ? BASE_MIGRATION : to)
  if (earlier >= to) return
  throw new OperatorError(
    'wider_rollback_waits',
    `a rollback to migration ${earlier} ${run?.action === 'archive' ? 'is not put back yet' : 'began and did not end'}, so none to ${to} can begin; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      hint: `put everything back first: chatkeep migrate; or finish that one: chatkeep rollback --to ${earlier}`,
    },
  )
}

/** Takes back what was said of an archive, before anything is added to it: until it is sealed again, nothing vouches for it. */
export const openArchive = async (client: Queryable, to: number): Promise<void> => {
  const run = await readArchiveRun(client)
  if (run?.action === 'archive begun' && run.to === to) return
  await recordRun(client, { action: 'archive begun', durationMs: 0, detail: { to } })
}

const NOTHING: ArchiveSummary = {
  messages: 0,
  removedMessages: 0,
  linkedMessages: 0,
  clients: 0,
  guestClients: 0,
  checksum: '0',
}

/** Writes size and checksum down. The trigger is gone by then, so nothing changes the archive any more. */
export const sealArchive = async (client: Queryable, to: number, durationMs: number): Promise<ArchiveSummary> => {
  const objects = await readArchiveObjects(client)
  if (!isThere(objects)) return NOTHING
  if (!objects.archive) await inTransaction(client, () => ensureArchiveTables(client))
  const summary = await summariseArchive(client)
  if (summary.messages === 0 && summary.clients === 0 && summary.guestClients === 0) await dropArchive(client)
  else await recordRun(client, { action: 'archive', durationMs, detail: { ...summary, to } })
  return summary
}

const SELECT_SEAL = `
  SELECT "action", "detail" ->> 'checksum' AS "checksum", ("detail" ->> 'messages')::integer AS "messages",
    ("detail" ->> 'guestClients')::integer AS "guestClients"
  FROM "chatkeep_runs"
  WHERE "action" IN ('archive begun', 'archive', 'restore begun')
  ORDER BY "id" DESC
  LIMIT 1`

interface Seal {
  readonly action: string
  readonly checksum: string
  readonly messages: number
  readonly guestClients: number
}

/**
 * Compares the archive with what was written down of it. Only a whole one can be compared: one whose rollback was cut was
 * not sealed, and a restore that was cut has already taken rows out.
 * @throws OperatorError `archive_changed` (exit 5)
 */
export const breakSeal = async (client: Queryable, actual: ArchiveSummary): Promise<void> => {
  const { rows } = await client.query<Seal>(SELECT_SEAL)
  const sealed = rows[0]
  if (sealed?.action !== 'archive') return
  const same = (['checksum', 'messages', 'guestClients'] as const).every((key) => actual[key] === sealed[key])
  if (!same) throw archiveChanged(sealed, actual)
  await recordRun(client, { action: 'restore begun', durationMs: 0 })
}

type Counted = Pick<Seal, 'messages' | 'guestClients'>

const archiveChanged = (sealed: Counted, actual: Counted): OperatorError => {
  const count = ({ messages, guestClients }: Counted): string =>
    `${messages} messages and ${guestClients} guests' clients`
  return new OperatorError(
    'archive_changed',
    `the archive of the last rollback is not what was archived: ${count(sealed)} then, ${count(actual)} now; nothing was restored`,
    {
      exitCode: ExitCode.refused,
      hint: 'put the tables "chatkeep_archive" and "chatkeep_archive_guest_client" back from a backup; to go on without restoring, rename them',
    },
  )
}
