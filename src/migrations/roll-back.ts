import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { inTransaction } from '../database/transaction.js'
import { ExitCode, interruptedBy, OperatorError } from '../errors.js'
import { findColumn, GUEST_UNVERIFIED } from '../persistence/shape.js'
import { stateAfterFailure } from './apply.js'
import {
  ADD_GUARD,
  createArchive,
  dropArchive,
  dropCapture,
  ensureArchiveTables,
  readArchiveObjects,
  summariseArchive,
  VALIDATE_GUARD,
  type ArchiveSummary,
} from './archive.js'
import { migrationTitle, runsInTransaction, type MigrationFile } from './files.js'
import { countUnarchived, fillArchive, linkGuests, removeOrphans, type MarkColumn } from './fill-archive.js'
import { compareHistory } from './history.js'
import type { MigrationState } from './plan.js'
import type { PlanDetails } from './plan-details.js'
import { readPriceTag, type PriceTag } from './price-tag.js'
import { checkPrivileges, readMigrationState } from './read-state.js'
import { runStatements } from './run-statements.js'
import { describeRollback, readUndone, refuseColumnsInUse, refuseOtherRollback } from './rollback-plan.js'
import { ensureRunsTable, recorded, recordRun } from './runs.js'
import { withMigrationPreview, withMigrationSession, type MigrationOptions, type PreviewOptions } from './session.js'
import { withShortLocks } from './short-lock.js'
import { toSqlFileError } from './sql-error.js'

/** The migration that creates the application's own tables; the guest-chat update is all that comes after it. */
const BASE_MIGRATION = 1

/** The migration whose way back drops the guest columns, and with them the capture trigger. */
const GUEST_MIGRATION = 'allow-guest-messages'

export interface RollbackPreview {
  /** What will be undone, newest first; empty when there is nothing to undo. */
  readonly files: readonly MigrationFile[]
  readonly price: PriceTag
  /** Names the state that the plan was made for. */
  readonly planHash: string
  /** What it costs others, statement by statement; only when nothing but a look was asked for. */
  readonly details: PlanDetails | undefined
}

export interface RolledBackStep {
  readonly id: number
  readonly name: string
  readonly durationMs: number
}

export interface RollbackResult {
  readonly steps: readonly RolledBackStep[]
  readonly archive: ArchiveSummary
  readonly durationMs: number
}

/** Says what a rollback would undo and what it would cost. */
export const previewRollback = (target: ConnectionTarget, options: PreviewOptions): Promise<RollbackPreview> =>
  withMigrationPreview(target, 'rollback', options, async (client) => {
    const state = await readMigrationState(client, options.schema, options.folder)
    const undone = await readUndone(options.folder, filesToUndo(state))
    const planHash = await refuseOtherRollback(client, state, undone, options.planHash)
    const price = await readPriceTag(client, state.catalog)
    const details = options.dryRun
      ? await describeRollback(client, { state, undone, price, mark: prepares(state), schema: options.schema })
      : undefined
    return { files: undone.map(({ file }) => file), price, planHash, details }
  })

/**
 * Undoes the guest-chat update and keeps everything that the old schema cannot hold in an archive.
 * First all that can fail (archive, link, guard, validate), then the drops, newest first.
 */
export const rollBack = (target: ConnectionTarget, options: MigrationOptions): Promise<RollbackResult> =>
  withMigrationSession(target, 'rollback', options, async (client) => {
    const startedAt = performance.now()
    const state = await readMigrationState(client, options.schema, options.folder)
    const files = filesToUndo(state)
    const undone = await readUndone(options.folder, files)
    const planHash = await refuseOtherRollback(client, state, undone, options.planHash)
    const scripts = undone.map(({ script }) => script)
    await checkPrivileges(client, options.schema)
    await refuseColumnsInUse(client, undone)
    refuseUnlinkable(await readPriceTag(client, state.catalog))
    await ensureRunsTable(client)
    return recorded(client, 'rollback', { planHash }, async () => {
      const steps: RolledBackStep[] = []
      try {
        if (hasGuestColumns(state)) await prepare(client, markColumn(state), options)
        for (const [index, file] of files.entries()) {
          options.signal.throwIfAborted()
          steps.push(await undo(client, file, scripts[index] ?? '', steps, options))
        }
        const archive = await sealArchive(client, performance.now() - startedAt)
        return { steps, archive, durationMs: performance.now() - startedAt }
      } catch (error) {
        throw options.signal.aborted ? interrupted(options.signal, error, steps) : error
      }
    })
  })

const filesToUndo = ({ files, history }: MigrationState): readonly MigrationFile[] => {
  if (history.state !== 'present') {
    throw new OperatorError(
      'no_history',
      `chatkeep has no history in this database${history.state === 'foreign' ? ': the table "migrations" belongs to another tool' : ''}`,
      {
        exitCode: ExitCode.refused,
        hint: 'let chatkeep adopt what is there first: chatkeep migrate',
      },
    )
  }
  const statuses = compareHistory(files, history.rows)
  const unknown = statuses.filter(({ state }) => state === 'unknown')
  if (unknown.length > 0) {
    throw new OperatorError(
      'history_mismatch',
      `this chatkeep does not know ${unknown.map(migrationTitle).join(', ')}, which came later`,
      {
        exitCode: ExitCode.refused,
        hint: 'use the version of chatkeep that migrated this database last',
      },
    )
  }
  const applied = new Set(history.rows.map(({ id }) => id))
  return files.filter(({ id }) => id > BASE_MIGRATION && applied.has(id)).toReversed()
}

/** Whether there is anything to archive, and if so whether the mark is there. */
const prepares = (state: MigrationState): MarkColumn | undefined =>
  hasGuestColumns(state) ? markColumn(state) : undefined

const hasGuestColumns = ({ catalog }: MigrationState): boolean =>
  findColumn(catalog, 'ChatMessage', 'guestUsername') !== undefined &&
  findColumn(catalog, 'ChatMessage', 'idempotencyKey') !== undefined

const markColumn = ({ catalog }: MigrationState): MarkColumn =>
  findColumn(catalog, 'ChatMessage', GUEST_UNVERIFIED.column) === undefined ? 'without mark' : 'with mark'

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

// Everything that can fail happens here, before anything is dropped. Each part finds its own traces of an earlier, cut run.
const prepare = async (client: Queryable, mark: MarkColumn, options: MigrationOptions): Promise<void> => {
  const { onEvent, schema, signal } = options
  await withShortLocks(client, options, () => createArchive(client, schema))
  onEvent({ type: 'note', text: 'archiving guest data' })
  await fillArchive(client, mark)
  signal.throwIfAborted()
  onEvent({ type: 'note', text: 'linking guests to clients' })
  await linkGuests(client)
  await removeOrphans(client)
  await withShortLocks(client, options, () => addGuard(client))
  // What was written between the last look and the guard.
  await linkGuests(client)
  await removeOrphans(client)
  signal.throwIfAborted()
  onEvent({ type: 'note', text: 'checking that every message has a client' })
  await client.query(VALIDATE_GUARD)
  const missing = await countUnarchived(client, mark)
  if (missing > 0) {
    throw new OperatorError(
      'archive_incomplete',
      `the guest data of ${missing} messages is not in the archive; nothing was dropped`,
      {
        exitCode: ExitCode.no,
        hint: 'is the trigger chatkeep_capture disabled, or session_replication_role set? Mend that and run the rollback again',
      },
    )
  }
}

const addGuard = async (client: Queryable): Promise<void> => {
  const { guard } = await readArchiveObjects(client)
  if (guard) return
  await client.query(ADD_GUARD)
}

const undo = async (
  client: Queryable,
  file: MigrationFile,
  script: string,
  before: readonly RolledBackStep[],
  options: MigrationOptions,
): Promise<RolledBackStep> => {
  const startedAt = performance.now()
  const finish = async (): Promise<void> => {
    await client.query('DELETE FROM "migrations" WHERE "id" = $1', [file.id])
    await recordRun(client, {
      action: 'roll back',
      migration: migrationTitle(file),
      durationMs: performance.now() - startedAt,
    })
  }
  try {
    if (runsInTransaction({ sql: script })) {
      await withShortLocks(client, options, async () => {
        // From here to the commit nobody writes, so the archive is complete when the columns go.
        if (file.name === GUEST_MIGRATION) await dropCapture(client, await readArchiveObjects(client))
        await runStatements(client, script)
        await finish()
      })
    } else {
      await runStatements(client, script)
      await finish()
    }
  } catch (error) {
    const state = await stateAfterFailure(client, { sql: script }, before)
    throw toSqlFileError(error, `migrations/rollback/${file.fileName}`, script, state, HINT)
  }
  const durationMs = Math.round(performance.now() - startedAt)
  options.onEvent({ type: 'done', migration: migrationTitle(file), action: 'undone', durationMs })
  return { id: file.id, name: file.name, durationMs }
}

const HINT =
  'mend the cause and run the same rollback again: it goes on where it stopped; or go forward again with chatkeep migrate'

const NO_ARCHIVE: ArchiveSummary = {
  messages: 0,
  removedMessages: 0,
  linkedMessages: 0,
  clients: 0,
  guestClients: 0,
  checksum: '0',
}

// The trigger is gone, so nothing changes the archive any more: now its size and checksum can be written down.
const sealArchive = async (client: Queryable, durationMs: number): Promise<ArchiveSummary> => {
  const { archive, guestClients } = await readArchiveObjects(client)
  if (!archive && !guestClients) return NO_ARCHIVE
  if (!archive) await inTransaction(client, () => ensureArchiveTables(client))
  const summary = await summariseArchive(client)
  if (summary.messages === 0 && summary.clients === 0 && summary.guestClients === 0) {
    await dropArchive(client)
    return summary
  }
  await recordRun(client, { action: 'archive', durationMs, detail: { ...summary } })
  return summary
}

const interrupted = (signal: AbortSignal, cause: unknown, steps: readonly RolledBackStep[]): OperatorError => {
  const done = steps.length === 0 ? 'nothing was dropped' : `undone so far: ${steps.map(migrationTitle).join(', ')}`
  return interruptedBy(signal, (ended) => `rollback was ${ended}`, {
    details: [`state: ${done}; everything archived so far is kept`],
    hint: 'run the same rollback again to finish it, or chatkeep migrate to go back to where it began',
    cause,
  })
}
