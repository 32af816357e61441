import { ExitCode, OperatorError } from '../../errors.js'
import type { History, MigrationStatus } from '../ledger/history.js'
import { migrationTitle, type MigrationFile } from '../ledger/migration-files.js'

/** @throws OperatorError `foreign_migrations_table` (exit 5) when the table "migrations" belongs to another tool */
export const refuseForeignHistory = (history: History): void => {
  if (history.state !== 'foreign') return
  throw new OperatorError(
    'foreign_migrations_table',
    `the table "migrations" in this schema belongs to another tool (its columns: ${history.columns.join(', ')}); nothing was changed`,
    {
      exitCode: ExitCode.refused,
      hint: [
        'rename it (ALTER TABLE "migrations" RENAME TO "other_migrations") and configure its tool to match',
        '(TypeORM: migrationsTableName; Knex: tableName), or keep the chat in another schema: --schema chat',
      ].join(' '),
    },
  )
}

const MISMATCH_WORDS: Readonly<Partial<Record<MigrationStatus['state'], string>>> = {
  changed: 'the file differs from what was applied (another hash)',
  unknown: 'applied, but its file does not exist',
  gap: 'missing from the history, although a later migration is applied',
}

/** @throws OperatorError `history_mismatch` (exit 5) when files and history disagree */
export const refuseMismatch = (statuses: readonly MigrationStatus[], files: readonly MigrationFile[]): void => {
  const details = statuses.flatMap((status) => {
    const words = MISMATCH_WORDS[status.state]
    return words === undefined ? [] : [`${migrationTitle(status)}: ${words}`]
  })
  if (details.length === 0) return
  const gaps = files.filter((file) => statuses.some(({ id, state }) => id === file.id && state === 'gap'))
  throw new OperatorError(
    'history_mismatch',
    'the history in the table "migrations" does not match the migration files; nothing was changed',
    {
      exitCode: ExitCode.refused,
      details,
      hint:
        gaps.length === details.length
          ? `if the database has its effect, insert the missing row: ${gaps.map(missingRow).join('; ')}`
          : 'use the version of chatkeep that last migrated this database, or restore the original files',
    },
  )
}

/** The INSERT statement that restores a missing history row. */
export const missingRow = (file: MigrationFile): string =>
  `INSERT INTO "migrations" ("id", "name", "hash") VALUES (${file.id}, '${file.name}', '${file.hash}')`
