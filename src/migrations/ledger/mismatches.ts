import { or, sql, type Next } from '../../next-step.js'
import type { OwnNames } from '../../persistence/own-names.js'
import { insertHistoryRow, updateHistoryRow, type MigrationStatus } from './history.js'
import type { MigrationChange } from './migration-changes.js'
import type { MigrationFile } from './migration-files.js'

/** A migration about which the history and the files contradict each other. */
export interface Mismatch {
  readonly migration: MigrationStatus
  readonly kind: MismatchKind
  readonly actual: string
  /** Its file; undefined when the history alone has it. */
  readonly file: MigrationFile | undefined
  /** How the file differs from what was applied, as far as that was kept. */
  readonly change: MigrationChange | undefined
  readonly next: Next
}

export type MismatchKind = Extract<MigrationStatus['state'], 'changed' | 'unknown' | 'gap'>

/** What is compared. */
export interface Compared {
  readonly migrations: readonly MigrationStatus[]
  readonly files: readonly MigrationFile[]
  readonly changes: ReadonlyMap<number, MigrationChange>
  readonly own: { readonly names: OwnNames }
}

/** Where they contradict each other, and what to do about it: `verify` and `migrate` say the same. */
export const findMismatches = ({ migrations, files, changes, own }: Compared): readonly Mismatch[] =>
  migrations.flatMap((migration) => {
    const { id, state } = migration
    if (state === 'applied' || state === 'pending') return []
    const file = files.find((candidate) => candidate.id === id)
    const change = state === 'changed' ? changes.get(id) : undefined
    const next = wayOut(state, file, change, own.names)
    return [{ migration, kind: state, actual: change?.summary ?? ACTUAL[state], file, change, next }]
  })

const ACTUAL: Readonly<Record<MismatchKind, string>> = {
  changed: 'other content (the hash differs)',
  unknown: 'applied, but there is no file for it',
  gap: 'not in the history, although later ones are',
}

/** What to do where the files are not those of this database. */
export const RIGHT_FILES =
  'use the version of chatkeep that last migrated this database, or name its files with --migrations DIR'

const wayOut = (
  kind: MismatchKind,
  file: MigrationFile | undefined,
  change: MigrationChange | undefined,
  { migrations }: OwnNames,
): Next => {
  if (file === undefined) return RIGHT_FILES
  if (kind === 'gap') return sql(insertHistoryRow(file, migrations), 'if the database has its effect')
  if (change?.isSame !== true) return RIGHT_FILES
  const accept = sql(updateHistoryRow(file, migrations), 'accept the file')
  return change.diff === undefined ? accept : [accept, or(RIGHT_FILES)]
}
