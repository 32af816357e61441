import { migrationTitle, type MigrationFile } from '../../../migrations/ledger/migration-files.js'
import type { MigrationStatus } from '../../../migrations/ledger/history.js'
import { insertHistoryRow } from '../../../migrations/ledger/history.js'
import type { OwnNames } from '../../../persistence/own-names.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding, type Place } from '../../finding.js'
import { sql, type Next } from '../../../next-step.js'
import type { MigrationChange } from '../../facts/migration-changes.js'
import type { Explanations } from '../../explanation.js'

export const MISMATCH_EXPLANATIONS = {
  migration_changed: {
    title: 'a migration file differs from the one that was applied',
    severities: ['error'],
    meaning: `The hash in the history does not match the file, so the database may differ from what the files
      describe. chatkeep migrate stops.`,
    cause: `The file was edited after it was applied, git changed its line endings (CRLF), or --migrations names
      another folder than last time.`,
    remedy: `Use the version of chatkeep, or the folder, that last migrated this database. Never edit a released
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

type Mismatch = Extract<MigrationStatus['state'], 'changed' | 'unknown' | 'gap'>

const MISMATCHES: Readonly<
  Record<Mismatch, { readonly code: MismatchCode; readonly expected: string; readonly actual: string }>
> = {
  changed: {
    code: 'migration_changed',
    expected: 'the content that was applied',
    actual: 'other content (the hash differs)',
  },
  unknown: {
    code: 'migration_unknown',
    expected: 'a file for each applied migration',
    actual: 'applied, but there is no file for it',
  },
  gap: {
    code: 'migration_gap',
    expected: 'applied before the later ones',
    actual: 'not in the history, although later ones are',
  },
}

const MISMATCH_HELP =
  'use the version of chatkeep that last migrated this database, or name its files with --migrations DIR'

/** Where the history and the migration files contradict each other. */
export const mismatchFindings = ({
  migrations,
  files,
  changes,
  own: { names },
}: Pick<Facts, 'migrations' | 'files' | 'changes' | 'own'>): readonly Finding<MismatchCode>[] =>
  migrations.flatMap((migration) => {
    const { state } = migration
    if (state === 'applied' || state === 'pending') return []
    const { code, expected, actual } = MISMATCHES[state]
    const change = state === 'changed' ? changes.get(migration.id) : undefined
    return [
      {
        ...finding('error', code, {
          object: `migration ${migrationTitle(migration)}`,
          expected,
          actual: change?.summary ?? actual,
          help: state === 'gap' ? gapHelp(migration, files, names) : changedHelp(migration, files, change, names),
        }),
        place: placeOf(migration, files, change),
        diff: change?.diff,
      },
    ]
  })

const placeOf = (
  { id }: MigrationStatus,
  files: readonly MigrationFile[],
  change: MigrationChange | undefined,
): Place | undefined => {
  const file = files.find((candidate) => candidate.id === id)
  return file === undefined ? undefined : { file: `migrations/${file.fileName}`, line: change?.line ?? null }
}

const changedHelp = (
  { id }: MigrationStatus,
  files: readonly MigrationFile[],
  change: MigrationChange | undefined,
  names: OwnNames,
): Next => {
  const file = files.find((candidate) => candidate.id === id)
  return change?.isSame === true && file !== undefined
    ? sql(`UPDATE ${names.migrations} SET "hash" = '${file.hash}' WHERE "id" = ${id}`)
    : MISMATCH_HELP
}

const gapHelp = ({ id }: MigrationStatus, files: readonly MigrationFile[], names: OwnNames): Next => {
  const file = files.find((candidate) => candidate.id === id)
  return file === undefined ? MISMATCH_HELP : sql(insertHistoryRow(file, names.migrations))
}
