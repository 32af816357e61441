import type { Queryable } from '../../database/connection.js'
import { migrationTitle, runsInTransaction, type MigrationFile } from '../../migrations/ledger/migration-files.js'
import type { MigrationStatus } from '../../migrations/ledger/history.js'
import { readAppliedSql, type AppliedSql } from '../../migrations/ledger/runs.js'
import { splitStatements } from '../../migrations/ledger/split-statements.js'
import type { Surroundings } from './server-facts.js'

/** How a migration file differs from what was applied. */
export interface MigrationChange {
  /** In one line; says so where the difference changes nothing. */
  readonly summary: string
  /** From what was applied to the file as it is; absent where both are the same. */
  readonly diff: string | undefined
  /** Only the hash was changed: the file is what was applied. */
  readonly isSame: boolean
  /** The first line of the file that differs. */
  readonly line: number | null
}

interface Comparable {
  readonly schema: string
  readonly migrations: readonly MigrationStatus[]
  readonly files: readonly MigrationFile[]
  readonly surroundings: Pick<Surroundings, 'readableOwnTables'>
}

/** Compares changed files with what chatkeep kept when it applied them; an older version kept nothing. */
export const readMigrationChanges = async (
  client: Queryable,
  { schema, migrations, files, surroundings }: Comparable,
): Promise<ReadonlyMap<number, MigrationChange>> => {
  const ids = migrations.filter(({ state }) => state === 'changed').map(({ id }) => id)
  if (ids.length === 0 || !surroundings.readableOwnTables.includes('chatkeep_runs')) return new Map()
  const kept = await readAppliedSql(client, schema, ids)
  const changes = new Map<number, MigrationChange>()
  for (const [id, applied] of kept) {
    const file = files.find((candidate) => candidate.id === id)
    if (file !== undefined) changes.set(id, await describeChange(applied, file))
  }
  return changes
}

const describeChange = async (applied: AppliedSql, file: MigrationFile): Promise<MigrationChange> => {
  if (applied.sql === file.sql) {
    const isSame = applied.migration === migrationTitle(file)
    return { summary: sameText(applied, file), diff: undefined, isSame, line: null }
  }
  const { createTwoFilesPatch, FILE_HEADERS_ONLY, structuredPatch } = await import('diff')
  const labels = [`applied/${applied.migration}.sql`, `migrations/${file.fileName}`] as const
  const day = applied.at.slice(0, 'YYYY-MM-DD'.length)
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY }
  const diff = createTwoFilesPatch(...labels, applied.sql, file.sql, `applied on ${day}`, 'now', options)
  const [hunk] = structuredPatch(...labels, applied.sql, file.sql, '', '', { context: 0 }).hunks
  const summary = (await haveSameStatements(applied.sql, file.sql))
    ? 'it differs only in white space or comments: its statements are those that were applied'
    : `another content than was applied on ${day}`
  return { summary, diff, isSame: false, line: hunk?.newStart ?? null }
}

// The hash is of name and content together.
const sameText = ({ migration }: AppliedSql, file: MigrationFile): string =>
  migration === migrationTitle(file)
    ? 'the content is what was applied, so the hash in the history was changed'
    : `the content is what was applied, under another name: ${migration}`

const haveSameStatements = async (applied: string, now: string): Promise<boolean> => {
  // One comment is no comment: it decides whether the file runs in a transaction.
  if (runsInTransaction({ sql: applied }) !== runsInTransaction({ sql: now })) return false
  try {
    return (await shapeOf(applied)) === (await shapeOf(now))
  } catch {
    // What the parser cannot read is compared by nobody; then the diff has to speak for itself.
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
