import { qualified } from '../../../database/identifier.js'
import { migrationTitle, type MigrationFile } from '../../../migrations/ledger/migration-files.js'
import type { MigrationStatus } from '../../../migrations/ledger/history.js'
import { missingRow } from '../../../migrations/plan/plan.js'
import type { FindingCode } from '../../codes.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding, type Place } from '../../finding.js'
import type { MigrationChange } from '../../facts/migration-changes.js'

/** How findings name the history. */
export const historyTable = ({ schema }: Pick<Facts, 'schema'>): string => `history ${qualified(schema, 'migrations')}`

type Mismatch = Extract<MigrationStatus['state'], 'changed' | 'unknown' | 'gap'>

const MISMATCHES: Readonly<
  Record<Mismatch, { readonly code: FindingCode; readonly expected: string; readonly actual: string }>
> = {
  changed: {
    code: 'migration_changed',
    expected: 'the file that was applied',
    actual: 'another content (its hash differs)',
  },
  unknown: {
    code: 'migration_unknown',
    expected: 'a file for everything that was applied',
    actual: 'applied, but there is no such file',
  },
  gap: {
    code: 'migration_gap',
    expected: 'applied before the later ones',
    actual: 'not in the history, although a later one is',
  },
}

const MISMATCH_HELP =
  'use the version of chatkeep that migrated this database last, or name its files with --migrations DIR'

/** Where history and files contradict each other. */
export const mismatchFindings = ({
  migrations,
  files,
  changes,
}: Pick<Facts, 'migrations' | 'files' | 'changes'>): readonly Finding[] =>
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
          help: state === 'gap' ? gapHelp(migration, files) : changedHelp(migration, files, change),
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
): string => {
  const file = files.find((candidate) => candidate.id === id)
  return change?.isSame === true && file !== undefined
    ? `UPDATE "migrations" SET "hash" = '${file.hash}' WHERE "id" = ${id}`
    : MISMATCH_HELP
}

const gapHelp = ({ id }: MigrationStatus, files: readonly MigrationFile[]): string => {
  const file = files.find((candidate) => candidate.id === id)
  return file === undefined ? MISMATCH_HELP : missingRow(file)
}
