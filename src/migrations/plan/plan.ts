import { ExitCode, OperatorError } from '../../errors.js'
import { EFFECTS, type NamedEffect } from '../ledger/effects.js'
import { migrationTitle, type MigrationFile } from '../ledger/migration-files.js'
import { compareHistory, type MigrationStatus } from '../ledger/history.js'
import type { MigrationState } from '../ledger/migration-state.js'
import { presenceOf, type Presence } from '../ledger/presence.js'

/**
 * What is to be done about one migration.
 * `run`: its statements. `record`: only a row in the history, since its effect is there. `rebuild`: drop the INVALID index first.
 * `repair`: its statements again, since the history has it but its effect is gone; the history stays.
 */
export type StepAction = 'run' | 'record' | 'rebuild' | 'repair'

export interface PlannedStep {
  readonly file: MigrationFile
  readonly action: StepAction
  /** Why it is not simply run. */
  readonly reason: string
  /** The INVALID index that has to go first. */
  readonly dropIndex?: string
}

export interface MigrationPlan {
  readonly steps: readonly PlannedStep[]
  /** Migrations that need nothing. */
  readonly done: number
}

/**
 * Decides what a migrate has to do. Adopts what is there already, however it came.
 * @throws OperatorError (exit 5) when the history is not ours, does not agree with the files, or an object is in the way
 */
export const planMigrations = (state: MigrationState, effects: readonly NamedEffect[] = EFFECTS): MigrationPlan => {
  if (state.history.state === 'foreign') throw foreignHistory(state.history.columns)
  const rows = state.history.state === 'present' ? state.history.rows : []
  const statuses = compareHistory(state.files, rows)
  refuseMismatch(statuses, state.files)
  const decisions = state.files
    .filter(({ id }) => id > 0)
    .map((file) => {
      const applied = statuses.find(({ id }) => id === file.id)?.state === 'applied'
      const effect = effects.find(({ migration }) => migration === file.name)?.effect
      return { file, applied, presence: effect === undefined ? undefined : presenceOf(effect, state.catalog) }
    })
  refuseConflicts(decisions)
  const steps = decisions.flatMap(({ file, applied, presence }) => {
    const step = applied ? repairStep(file, presence) : pendingStep(file, presence)
    return step === undefined ? [] : [step]
  })
  return { steps, done: decisions.length - steps.length }
}

const pendingStep = (file: MigrationFile, presence: Presence | undefined): PlannedStep => {
  switch (presence?.state) {
    case 'present':
      return { file, action: 'record', reason: 'it is in the database already' }
    case 'partial':
      return { file, action: 'run', reason: presence.reason }
    case 'invalid':
      return { file, action: 'rebuild', reason: 'its index is INVALID', dropIndex: presence.index.name }
    default:
      return { file, action: 'run', reason: '' }
  }
}

const repairStep = (file: MigrationFile, presence: Presence | undefined): PlannedStep | undefined => {
  switch (presence?.state) {
    case 'absent':
      return { file, action: 'repair', reason: 'applied before, but its effect is gone' }
    case 'partial':
      return { file, action: 'repair', reason: `applied before, but ${presence.reason}` }
    case 'invalid':
      return {
        file,
        action: 'repair',
        reason: 'applied before, but its index is INVALID',
        dropIndex: presence.index.name,
      }
    default:
      return undefined
  }
}

interface Decision {
  readonly file: MigrationFile
  readonly applied: boolean
  readonly presence: Presence | undefined
}

const refuseConflicts = (decisions: readonly Decision[]): void => {
  const details = decisions.flatMap(({ file, applied, presence }) => {
    const title = migrationTitle(file)
    if (presence?.state === 'conflict') return presence.reasons.map((reason) => `${title}: ${reason}`)
    // The application's tables are gone although the history says they were there: making empty ones would hide that.
    const vanished = applied && presence?.state === 'absent' && file.id === 1
    return vanished ? [`${title}: applied before, but the tables are gone`] : []
  })
  if (details.length === 0) return
  throw new OperatorError(
    'schema_conflict',
    'the database holds something else where a migration wants to go; nothing was changed',
    {
      exitCode: ExitCode.refused,
      details,
      hint: 'rename, drop or correct what is named above, then run chatkeep migrate again',
    },
  )
}

const MISMATCH_WORDS = {
  changed: 'the file is not what was applied (its hash differs)',
  unknown: 'applied, but there is no such file',
  gap: 'not in the history although a later one is',
} as const

/** The row that a gap in the history lacks, as a statement: for whoever removed it by mistake. */
export const missingRow = (file: MigrationFile): string =>
  `INSERT INTO "migrations" ("id", "name", "hash") VALUES (${file.id}, '${file.name}', '${file.hash}')`

const refuseMismatch = (statuses: readonly MigrationStatus[], files: readonly MigrationFile[]): void => {
  const wrong = statuses.filter(({ state }) => state !== 'applied' && state !== 'pending')
  if (wrong.length === 0) return
  const details = wrong.map(
    (status) => `${migrationTitle(status)}: ${MISMATCH_WORDS[status.state as keyof typeof MISMATCH_WORDS]}`,
  )
  const gaps = files.filter(({ id }) => wrong.some((status) => status.id === id && status.state === 'gap'))
  throw new OperatorError(
    'history_mismatch',
    'the history in the table "migrations" does not agree with the migration files; nothing was changed',
    {
      exitCode: ExitCode.refused,
      details,
      hint:
        gaps.length === wrong.length
          ? `if what it does is in the database, put its row back: ${gaps.map(missingRow).join('; ')}`
          : 'use the version of chatkeep that migrated this database last, or put the original files back',
    },
  )
}

const foreignHistory = (columns: readonly string[]): OperatorError =>
  new OperatorError(
    'foreign_migrations_table',
    `the table "migrations" in this schema belongs to another tool (its columns: ${columns.join(', ')}); nothing was changed`,
    {
      exitCode: ExitCode.refused,
      hint: 'rename it (ALTER TABLE "migrations" RENAME TO "other_migrations") and tell that tool its new name (TypeORM: migrationsTableName; Knex: tableName), or keep the chat in another schema: --schema chat',
    },
  )
