import type { Queryable } from '../../database/connection.js'
import { isOurs } from '../own/own-conflicts.js'
import { canRead, type OwnState } from '../own/own-state.js'
import type { MigrationStatus } from './history.js'
import { migrationTitle, runsInTransaction, type MigrationFile } from './migration-files.js'
import { readAppliedSql, type AppliedSql } from './runs.js'
import { splitStatements } from './split-statements.js'

/** How a migration file differs from what was applied. */
export interface MigrationChange {
  /** The difference in one line, including whether it affects the statements. */
  readonly summary: string
  /** Unified diff from the applied content to the file; absent if both are equal, or differ in very many lines. */
  readonly diff: string | undefined
  /** Whether the file has the statements that were applied. */
  readonly isSame: boolean
  /** The first line of the file that differs. */
  readonly line: number | null
}

interface Comparable {
  readonly own: OwnState
  readonly migrations: readonly MigrationStatus[]
  readonly files: readonly MigrationFile[]
}

/** Compares changed files with the SQL that chatkeep kept when it applied them; older versions kept none. */
export const readMigrationChanges = async (
  client: Queryable,
  { own, migrations, files }: Comparable,
): Promise<ReadonlyMap<number, MigrationChange>> => {
  const ids = migrations.filter(({ state }) => state === 'changed').map(({ id }) => id)
  if (ids.length === 0 || !canRead(own, 'runs') || !isOurs(own, 'runs')) return new Map()
  const kept = await readAppliedSql(client, own.names, ids)
  const changes = new Map<number, MigrationChange>()
  for (const [id, applied] of kept) {
    const file = files.find((candidate) => candidate.id === id)
    if (file !== undefined) changes.set(id, await describeChange(applied, file))
  }
  return changes
}

const describeChange = async (applied: AppliedSql, file: MigrationFile): Promise<MigrationChange> => {
  if (applied.sql === file.sql) {
    return { summary: sameText(applied, file), diff: undefined, isSame: true, line: null }
  }
  const { createTwoFilesPatch, FILE_HEADERS_ONLY, structuredPatch } = await import('diff')
  const labels = [`applied/${applied.migration}.sql`, `migrations/${file.fileName}`] as const
  const day = applied.at.slice(0, 'YYYY-MM-DD'.length)
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY, maxEditLength: MOST_CHANGES }
  const diff = createTwoFilesPatch(...labels, applied.sql, file.sql, `applied on ${day}`, 'now', options)
  const patch = structuredPatch(...labels, applied.sql, file.sql, '', '', { context: 0, maxEditLength: MOST_CHANGES })
  const isSame = await haveSameStatements(applied.sql, file.sql)
  const summary = isSame
    ? 'differs only in white space or comments: the statements are those that were applied'
    : `differs from what was applied on ${day}`
  return { summary, diff, isSame, line: patch?.hunks[0]?.newStart ?? firstChange(applied.sql, file.sql) }
}

/** Lines that were added or removed; the time of a diff grows with their square. */
const MOST_CHANGES = 2_000

/** The first line that differs. */
const firstChange = (applied: string, now: string): number => {
  const [before, after] = [applied.split('\n'), now.split('\n')]
  const index = after.findIndex((line, at) => line !== before[at])
  return index === -1 ? after.length : index + 1
}

// The hash covers name and content.
const sameText = ({ migration }: AppliedSql, file: MigrationFile): string =>
  migration === migrationTitle(file)
    ? 'same content as applied: the hash in the history was changed'
    : `same content as applied, under another name: ${migration}`

const haveSameStatements = async (applied: string, now: string): Promise<boolean> => {
  // One comment has an effect: it decides whether the file runs in a transaction.
  if (runsInTransaction({ sql: applied }) !== runsInTransaction({ sql: now })) return false
  try {
    return (await shapeOf(applied)) === (await shapeOf(now))
  } catch {
    // The parser does not understand one of them, so only the diff shows the difference.
    return false
  }
}

const shapeOf = async (sql: string): Promise<string> => {
  const statements = await splitStatements(sql)
  return JSON.stringify(
    statements.map(({ node }) => node),
    (key, value: unknown) => (key === 'location' || key.endsWith('_location') ? undefined : value),
  )
}
