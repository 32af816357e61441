import { escapeLiteral } from 'pg'
import { escapeIdentifier } from '../../database/identifier.js'
import { migrationTitle, type MigrationFile } from '../ledger/migration-files.js'
import type { DraftStep, ScriptForm } from '../plan/draft-steps.js'
import { droppedIndexes } from '../plan/schema-changes.js'
import { bracket } from './assemble.js'
import { recordInScript, START_STEP, type ScriptOrigin, type ScriptRun } from './record-run.js'

/** One migration to undo. */
export interface Undone {
  readonly file: MigrationFile
  /** Its rollback file as statements. */
  readonly draft: DraftStep
  /** The same without CONCURRENTLY, for a transaction that others share. */
  readonly joined: DraftStep
}

/** The statements that undo it by itself. */
export const undoAlone = (each: Undone, form: ScriptForm, origin: ScriptOrigin): readonly string[] => {
  const { file, draft } = each
  if (form === 'transaction') return undoJoined(each, origin)
  const work = [...draft.statements.map(({ sql }) => sql), recordUndone(file, draft, origin)]
  return [titleOf(each), ...(draft.inTransaction ? bracket(form, work) : [START_STEP, ...work])]
}

/** The statements that undo it in the transaction of others. */
export const undoJoined = (each: Undone, origin: ScriptOrigin): readonly string[] => [
  titleOf(each),
  ...each.joined.statements.map(({ sql }) => sql),
  recordUndone(each.file, { ...each.joined, inTransaction: true }, origin),
]

const titleOf = ({ draft }: Undone): string => `-- ${draft.title}: undo`

// One statement writes both tables, so they always agree. It requires that the index is gone, and that the migration is the
// newest one.
const recordUndone = (file: MigrationFile, { statements, inTransaction }: DraftStep, origin: ScriptOrigin): string => {
  const { migrations } = origin.names
  const conditions = [
    `"id" = ${file.id}`,
    `NOT EXISTS (SELECT FROM ${migrations} WHERE "id" > ${file.id})`,
    ...droppedIndexes(statements).map((index) => `to_regclass(${escapeLiteral(escapeIdentifier(index))}) IS NULL`),
  ]
  const migration = migrationTitle(file)
  const run: ScriptRun = { action: 'roll back', migration, inTransaction, source: 'FROM undone' }
  return `WITH undone AS (
  DELETE FROM ${migrations}
  WHERE ${conditions.join('\n    AND ')}
  RETURNING 1
)
${recordInScript(run, origin)}`
}
