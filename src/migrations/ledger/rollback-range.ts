import type { Catalog } from '../../database/catalog.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { findColumn } from '../../persistence/shape.js'
import { migrationTitle, type MigrationFile } from './migration-files.js'
import { BASE_MIGRATION, GUEST_MIGRATION, KEY_MIGRATION, UNVERIFIED_MIGRATION } from './migration-names.js'
import { EFFECTS } from './effects.js'
import { compareHistory, historyRows } from './history.js'
import type { MigrationState } from './migration-state.js'
import { RIGHT_FILES } from './mismatches.js'
import { chatkeep } from '../../next-step.js'
import { presenceOf } from './presence.js'

/** Columns of messages that a rollback drops, and the migration whose rollback file drops them. */
export const DROPPED_COLUMNS = [
  { column: 'guestUsername', migration: GUEST_MIGRATION },
  { column: 'guestPhone', migration: GUEST_MIGRATION },
  { column: 'idempotencyKey', migration: KEY_MIGRATION },
  { column: 'guestUnverified', migration: UNVERIFIED_MIGRATION },
] as const

export type ArchivedColumn = (typeof DROPPED_COLUMNS)[number]['column']

/** What a rollback undoes, and which data it has to archive first. */
export interface RollbackRange {
  /** The newest migration that stays. */
  readonly to: number
  /** Migrations to undo, newest first. */
  readonly files: readonly MigrationFile[]
  /** Existing columns of messages that will be dropped. */
  readonly columns: readonly ArchivedColumn[]
  /** `clientId` becomes NOT NULL again, so every message without a client needs one or leaves the table. */
  readonly needsClients: boolean
  /** The last migration to undo that drops archived columns: the capture trigger goes with it. Undefined if none does. */
  readonly captureEnds: string | undefined
}

/**
 * Decides what a rollback to a migration undoes.
 * @param to the newest migration that stays
 * @throws OperatorError when the update is there without a history, the history has migrations without a file, or `to` is not applied
 */
export const rollbackRange = ({ files, history, catalog }: MigrationState, to: number): RollbackRange => {
  if (history.state === 'absent' && hasUpdate(catalog)) throw noHistory()
  const rows = historyRows(history)
  const statuses = compareHistory(files, rows)
  const unknown = statuses.filter(({ state }) => state === 'unknown')
  if (unknown.length > 0) throw unknownMigrations(unknown.map(migrationTitle))
  const applied = new Set(rows.map(({ id }) => id))
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
    captureEnds: undone.findLast(({ name }) => dropped.some(({ migration }) => migration === name))?.name,
  }
}

// Applied by hand or by another tool.
const hasUpdate = (catalog: Catalog): boolean =>
  EFFECTS.some(({ effect }) => effect.kind !== 'tables' && presenceOf(effect, catalog).state !== 'absent')

const noHistory = (): OperatorError =>
  new OperatorError('no_history', 'this database has the guest-chat update, but chatkeep has no history of it', {
    exitCode: ExitCode.refused,
    hint: chatkeep('migrate', 'let chatkeep adopt the database first'),
  })

const unknownMigrations = (titles: readonly string[]): OperatorError =>
  new OperatorError(
    'history_mismatch',
    `the database has migrations that this version of chatkeep does not know: ${titles.join(', ')}`,
    {
      exitCode: ExitCode.refused,
      hint: RIGHT_FILES,
    },
  )

const notApplied = (to: number, newest: number): OperatorError =>
  new OperatorError(
    'migration_not_applied',
    `migration ${to} is not applied, so a rollback cannot stop there; nothing was changed`,
    {
      hint:
        newest < BASE_MIGRATION
          ? chatkeep('migrate --dry-run', 'see which migrations are applied')
          : chatkeep(`rollback --to ${newest} --dry-run`, `name a migration from ${BASE_MIGRATION} to ${newest}`),
    },
  )
