import { ExitCode, OperatorError } from '../../errors.js'
import { findColumn } from '../../persistence/shape.js'
import { migrationTitle, type MigrationFile } from './migration-files.js'
import { compareHistory } from './history.js'
import type { MigrationState } from './migration-state.js'

/** The migration that creates the application's own tables; the guest-chat update is all that comes after it. */
export const BASE_MIGRATION = 1

/** The migration whose way back gives every message its client again. */
const GUEST_MIGRATION = 'allow-guest-messages'

/** The migration whose way back moves the notes of guests' clients into the archive. */
const OWN_TABLES_MIGRATION = 'create-own-tables'

/** Columns of messages that a way back drops, and with the columns what they hold. */
const DROPPED_COLUMNS = [
  { column: 'guestUsername', migration: GUEST_MIGRATION },
  { column: 'guestPhone', migration: GUEST_MIGRATION },
  { column: 'idempotencyKey', migration: 'add-idempotency-key' },
  { column: 'guestUnverified', migration: 'mark-unverified-guests' },
] as const

export type ArchivedColumn = (typeof DROPPED_COLUMNS)[number]['column']

/** What a rollback undoes, and what it has to keep for that. */
export interface RollbackRange {
  /** The newest migration that stays. */
  readonly to: number
  /** What will be undone, newest first. */
  readonly files: readonly MigrationFile[]
  /** Columns of messages that are there now and will be dropped. */
  readonly columns: readonly ArchivedColumn[]
  /** `clientId` becomes NOT NULL again, so guests' messages need a client or have to leave the table. */
  readonly needsClients: boolean
  /** The notes of guests' clients go to the archive. */
  readonly archivesGuestClients: boolean
  /** The migration after whose way back there is nothing left to capture; undefined when nothing is. */
  readonly captureEnds: string | undefined
}

/**
 * What lies above a migration.
 * @param to the newest migration that stays
 * @throws OperatorError when there is no history of ours, it knows more than we do, or `to` is not applied
 */
export const rollbackRange = ({ files, history, catalog }: MigrationState, to: number): RollbackRange => {
  if (history.state !== 'present') throw noHistory(history.state)
  const statuses = compareHistory(files, history.rows)
  const unknown = statuses.filter(({ state }) => state === 'unknown')
  if (unknown.length > 0) throw unknownMigrations(unknown.map(migrationTitle))
  const applied = new Set(history.rows.map(({ id }) => id))
  if (to !== BASE_MIGRATION && !applied.has(to)) throw notApplied(to, Math.max(...applied))
  const undone = files.filter(({ id }) => id > to && applied.has(id)).toReversed()
  const names = new Set(undone.map(({ name }) => name))
  const dropped = DROPPED_COLUMNS.filter(({ migration }) => names.has(migration))
  return {
    to,
    files: undone,
    columns: dropped
      .map(({ column }) => column)
      .filter((column) => findColumn(catalog, 'ChatMessage', column) !== undefined),
    needsClients: names.has(GUEST_MIGRATION),
    archivesGuestClients: names.has(OWN_TABLES_MIGRATION),
    captureEnds: undone.findLast(({ name }) => dropped.some(({ migration }) => migration === name))?.name,
  }
}

const noHistory = (state: 'absent' | 'foreign'): OperatorError =>
  new OperatorError(
    'no_history',
    `chatkeep has no history in this database${state === 'foreign' ? ': the table "migrations" belongs to another tool' : ''}`,
    { exitCode: ExitCode.refused, hint: 'let chatkeep adopt what is there first: chatkeep migrate' },
  )

const unknownMigrations = (titles: readonly string[]): OperatorError =>
  new OperatorError('history_mismatch', `this chatkeep does not know ${titles.join(', ')}, which came later`, {
    exitCode: ExitCode.refused,
    hint: 'use the version of chatkeep that migrated this database last',
  })

const notApplied = (to: number, newest: number): OperatorError =>
  new OperatorError(
    'migration_not_applied',
    `migration ${to} is not applied, so it cannot be the newest that stays; nothing was changed`,
    {
      hint:
        newest < BASE_MIGRATION
          ? 'see what is applied: chatkeep migrate --dry-run'
          : `name one from ${BASE_MIGRATION} to ${newest}: chatkeep rollback --to ${newest} --dry-run`,
    },
  )
