import { migrationTitle } from '../../../migrations/ledger/migration-files.js'
import { findMismatches, type Compared, type MismatchKind } from '../../../migrations/ledger/mismatches.js'
import type { Explanations } from '../../explanation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'

export const MISMATCH_EXPLANATIONS = {
  migration_changed: {
    title: 'a migration file differs from the one that was applied',
    severities: ['error'],
    meaning: `The hash in the history does not match the file, so the database may differ from what the files
      describe. chatkeep migrate stops.`,
    cause: `The file was edited after it was applied, git changed its line endings (CRLF), or --migrations names
      another folder than last time.`,
    remedy: `If the statements are those that were applied, the finding has the statement that accepts the file.
      Otherwise use the version of chatkeep, or the folder, that last migrated this database. Never edit a released
      file: write a new migration instead.`,
  },
  migration_unknown: {
    title: 'a migration was applied that has no file',
    severities: ['error'],
    meaning: `The database is newer than this version of chatkeep. An older version may save and read without what a
      newer one relies on, and it cannot roll the migration back.`,
    cause: 'A newer version of chatkeep migrated the database, or --migrations names another folder.',
    remedy: 'Use the version of chatkeep, or the folder, that last migrated this database.',
  },
  migration_gap: {
    title: 'an earlier migration is missing from the history, although later ones are there',
    severities: ['error'],
    meaning: `Migrations are applied in order, so the history was changed by hand. It is unknown whether the effect of
      the missing migration is there. chatkeep migrate stops.`,
    cause: 'A row of the history was deleted by hand, to run a migration again.',
    remedy: 'If no other finding says that its effect is missing, put the row back with the statement in the finding.',
  },
} as const satisfies Explanations

export type MismatchCode = keyof typeof MISMATCH_EXPLANATIONS

/** The name of the history in findings. */
export const historyTable = ({ own }: Pick<Facts, 'own'>): string => `history ${own.names.migrations}`

const WORDS: Readonly<Record<MismatchKind, { readonly code: MismatchCode; readonly expected: string }>> = {
  changed: { code: 'migration_changed', expected: 'the content that was applied' },
  unknown: { code: 'migration_unknown', expected: 'a file for each applied migration' },
  gap: { code: 'migration_gap', expected: 'applied before the later ones' },
}

/** Where the history and the migration files contradict each other. */
export const mismatchFindings = (facts: Compared): readonly Finding<MismatchCode>[] =>
  findMismatches(facts).map(({ migration, kind, actual, file, change, next }) => {
    const { code, expected } = WORDS[kind]
    return {
      ...finding('error', code, { object: `migration ${migrationTitle(migration)}`, expected, actual, help: next }),
      place: file && { file: `migrations/${file.fileName}`, line: change?.line ?? null },
      diff: change?.diff,
    }
  })
