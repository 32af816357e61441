import { escapeIdentifier } from '../../database/identifier.js'
import { OperatorError } from '../../errors.js'
import { migrationTitle, runsInTransaction } from '../ledger/migration-files.js'
import type { PlannedStep, StepAction } from './plan.js'
import { BASE_MIGRATION } from '../ledger/rollback-range.js'
import { splitStatements, type Statement } from '../ledger/split-statements.js'

/** How a script is run: one statement after the other, each by itself, or all of it in one transaction. */
export type ScriptForm = 'statements' | 'transaction'

/** What a step consists of, before anybody looked at sizes. */
export interface DraftStep {
  readonly title: string
  readonly action: StepAction | 'undo' | 'prepare'
  readonly reason: string
  readonly inTransaction: boolean
  readonly reversible: boolean
  readonly statements: readonly Statement[]
}

/** The statements of a plan; for one transaction without CONCURRENTLY. */
export const draftSteps = (
  steps: readonly PlannedStep[],
  form: ScriptForm = 'statements',
): Promise<readonly DraftStep[]> =>
  Promise.all(
    steps.map(async ({ file, action, reason, dropIndex }) => {
      const drop = dropIndex === undefined ? '' : `DROP INDEX CONCURRENTLY ${escapeIdentifier(dropIndex)};\n`
      const statements = action === 'record' ? [] : await splitFile(`migrations/${file.fileName}`, drop + file.sql)
      return {
        title: migrationTitle(file),
        action,
        reason,
        inTransaction: form === 'transaction' || runsInTransaction(file),
        reversible: file.id > BASE_MIGRATION,
        statements:
          form === 'statements'
            ? statements
            : await splitStatements(statements.map((statement) => `${withoutConcurrently(statement)};\n`).join('')),
      }
    }),
  )

/** @throws OperatorError `invalid_migration_files` when the file is no SQL */
export const splitFile = async (file: string, sql: string): Promise<readonly Statement[]> => {
  try {
    return await splitStatements(sql)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new OperatorError('invalid_migration_files', `${file} is not SQL that PostgreSQL reads: ${reason}`, { cause })
  }
}

/** Without CONCURRENTLY an index can be built or dropped within a transaction, and stops writers meanwhile. */
const withoutConcurrently = ({ node, sql }: Statement): string => {
  const isConcurrent =
    ('IndexStmt' in node && node.IndexStmt.concurrent === true) ||
    ('DropStmt' in node && node.DropStmt.concurrent === true)
  return isConcurrent ? sql.replace(/\bCONCURRENTLY\s+/i, '') : sql
}
