import { escapeIdentifier } from '../../database/identifier.js'
import { migrationTitle, runsInTransaction } from '../ledger/migration-files.js'
import type { PlannedStep, StepAction } from './plan.js'
import { BASE_MIGRATION } from '../ledger/migration-names.js'
import { splitStatements, type Statement } from '../ledger/split-statements.js'
import { splitFile } from '../source/split-file.js'

/** How a script runs: each statement in its own transaction, or all of them in one. */
export type ScriptForm = 'statements' | 'transaction'

/** The statements of a step, without estimates. */
export interface DraftStep {
  readonly title: string
  readonly action: StepAction | 'undo' | 'prepare'
  readonly reason: string
  readonly inTransaction: boolean
  readonly reversible: boolean
  readonly statements: readonly Statement[]
  /** The same, where they run on partitions: what is one transaction, or a statement outside of any. */
  readonly units?: readonly (readonly string[])[]
}

/** How the steps of a plan are split. */
export interface DraftOptions {
  readonly form?: ScriptForm | undefined
  readonly signal: AbortSignal
}

/**
 * Splits the steps of a plan into statements; in one transaction, without CONCURRENTLY.
 * @throws OperatorError what `splitFile` throws
 */
export const draftSteps = (
  steps: readonly PlannedStep[],
  { form = 'statements', signal }: DraftOptions,
): Promise<readonly DraftStep[]> =>
  Promise.all(
    steps.map(async ({ file, action, reason, dropIndex, partitioned }) => {
      const units = partitioned === undefined ? undefined : [...partitioned.before, ...partitioned.units]
      const drop = dropIndex === undefined ? '' : `DROP INDEX CONCURRENTLY ${escapeIdentifier(dropIndex)}`
      const source = { file: `migrations/${file.fileName}`, sql: file.sql }
      const whole = units === undefined ? splitFile(source, signal) : splitStatements(joined(units.flat()))
      const statements = action === 'record' ? [] : [...(await splitStatements(drop)), ...(await whole)]
      return {
        title: migrationTitle(file),
        action,
        reason,
        inTransaction: form === 'transaction' || runsInTransaction(file),
        reversible: file.id > BASE_MIGRATION,
        statements: form === 'statements' ? statements : await inOneTransaction(statements),
        ...(units === undefined ? {} : { units: action === 'record' ? [] : units }),
      }
    }),
  )

/** The same statements without CONCURRENTLY. */
export const inOneTransaction = (statements: readonly Statement[]): Promise<readonly Statement[]> =>
  splitStatements(joined(statements.map(withoutConcurrently)))

const joined = (statements: readonly string[]): string => statements.map((statement) => `${statement};\n`).join('')

/** Without CONCURRENTLY, an index can be built or dropped in a transaction, but blocks writers. */
const withoutConcurrently = ({ node, sql }: Statement): string => {
  const isConcurrent =
    ('IndexStmt' in node && node.IndexStmt.concurrent === true) ||
    ('DropStmt' in node && node.DropStmt.concurrent === true) ||
    'ReindexStmt' in node
  return isConcurrent ? sql.replace(/\bCONCURRENTLY\s+/i, '') : sql
}
