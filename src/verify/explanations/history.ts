import type { Explanations } from './explanation.js'

export const HISTORY = {
  history_foreign: {
    title: 'the table "migrations" belongs to another tool',
    severities: ['error'],
    meaning: `chatkeep keeps its history in a table "migrations" in the schema of the chat, and there is one of another shape. migrate refuses to touch it, so nothing can be
      applied or rolled back.`,
    cause: `Another migration tool (TypeORM, Laravel, Knex and others use this name) keeps its history there.`,
    remedy: `Rename that table and tell its tool the new name (most have a setting for it), or keep the chat in a schema of its own.`,
  },
  history_missing: {
    title: 'the history is gone, although its effects are there',
    severities: ['error'],
    meaning: `Tables or triggers that only chatkeep makes are in the database, but the table "migrations" is not, or is empty. So nobody can say what was applied from
      which file, and rollback does not know what to undo.`,
    cause: `The table was dropped or truncated, or a restore or copy took the tables of the application only.`,
    remedy: `chatkeep migrate compares every migration with what is there, records those whose effect is complete and applies the rest. No data is touched.`,
  },
  history_damaged: {
    title: 'the history has lost its first row, or has rows twice',
    severities: ['error'],
    meaning: `Row 0 says that the table is a history of postgres-migrations; without it migrate takes the table for another tool's and refuses. Two rows of the
      same number contradict each other.`,
    cause: `Rows were deleted or inserted by hand, or a restore ran twice into a table without primary key.`,
    remedy: `Run the statement that the finding shows, then chatkeep verify again.`,
  },
  migrations_pending: {
    title: 'migrations are pending',
    severities: ['error'],
    meaning: `chatkeep brings migrations that this database does not have. Until then saving or reading messages may fail: an application that was deployed before its
      migration ran is what lost messages in production for days.`,
    cause: `A new version was deployed, and chatkeep migrate was not run after it, or not on this database.`,
    remedy: `chatkeep migrate --dry-run shows the plan, chatkeep migrate does it, beside live traffic.`,
  },
  migrations_left: {
    title: 'migrations of the update are still in the history after a rollback',
    severities: ['error'],
    meaning: `The database should be as before the guest-chat update, but its history says that parts of it are applied.`,
    cause: `No rollback was run, or it was interrupted: it undoes the newest first and can be cut anywhere.`,
    remedy: `chatkeep rollback --dry-run shows what it will cost, the command of the finding finishes it.`,
  },
  migration_changed: {
    title: 'a migration file is not the one that was applied',
    severities: ['error'],
    meaning: `The hash in the history is not that of the file. So the database has something else than the files say, and migrate refuses to go on.`,
    cause: `The file was edited after it was applied, or git changed its line ends (CRLF), or --migrations names another folder than last time.`,
    remedy: `Use the version of chatkeep, or the folder, that migrated this database last. A released file is never edited: a change is a new migration.`,
  },
  migration_unknown: {
    title: 'a migration was applied of which there is no file',
    severities: ['error'],
    meaning: `The database is ahead of this chatkeep. An older version may save and read without what a newer one relies on, and cannot roll it back.`,
    cause: `A newer version migrated the database, and this one is older; or --migrations names another folder.`,
    remedy: `Use the version of chatkeep, or the folder, that migrated this database last.`,
  },
  migration_gap: {
    title: 'an earlier migration is missing in the history, although later ones are there',
    severities: ['error'],
    meaning: `Migrations are applied in order, so this cannot happen by itself. Nobody can say whether the effect of the missing one is there; migrate refuses to go on.`,
    cause: `A row of the history was deleted by hand, to make a migration run again.`,
    remedy: `If its effect is there (no other finding says that it is not), put the row back with the statement of the finding.`,
  },
} as const satisfies Explanations
