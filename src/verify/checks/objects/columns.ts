import { columnDifference, findColumn, plainType, type RequiredColumn } from '../../../persistence/shape.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { type Next } from '../../../next-step.js'
import type { Explanations } from '../../explanation.js'

export const COLUMN_EXPLANATIONS = {
  column_missing: {
    title: 'a column is missing',
    severities: ['error'],
    meaning: `chatkeep's statements for saving and reading messages use this column, so they fail while it is missing.`,
    cause: `The column was dropped or renamed, usually by a migration of the application whose model does not contain
      it ("db push" drops unknown columns).`,
    remedy: `Run the command in the finding. The values of a dropped column can only be restored from a backup. Then
      add the column to the application's model, so that it is not dropped again.`,
  },
  column_type: {
    title: 'a column has the wrong type',
    severities: ['error'],
    meaning: `Values may be rejected, truncated or misread. For example, varchar(50) rejects longer texts, a
      timestamp with time zone is not the UTC timestamp that other programs write, and an enum of another schema
      rejects the labels of ours.`,
    cause: 'A migration of the application changed the type, or the update was applied by hand with other types.',
    remedy: `Run the ALTER TABLE … ALTER COLUMN … TYPE in the finding. It may rewrite the table and its indexes
      under an exclusive lock. Triggers and views that refer to the column must be dropped first.`,
  },
  column_nullability: {
    title: 'a column is NOT NULL but should be nullable, or the reverse',
    severities: ['error'],
    meaning: `If "clientId" is NOT NULL, every message of a guest without a client is rejected: this is the problem
      that the guest-chat update solves. If a column that should be NOT NULL is nullable, counts and order become
      wrong, because NULL is neither read nor unread and sorts as the latest.`,
    cause: `The application's model still declares the column as required (or optional), and its migration tool
      changed the database to match; or the update or its rollback was applied only in part.`,
    remedy: `Run the command in the finding. Then correct the application's model, or its next migration will change
      the column again.`,
  },
} as const satisfies Explanations

export type ColumnCode = keyof typeof COLUMN_EXPLANATIONS

/** Whether a column is missing, has the wrong type, or is nullable where it should be NOT NULL or the reverse. */
export const columnFindings = (
  { catalog }: Pick<Facts, 'catalog'>,
  wanted: RequiredColumn,
  help: Next,
): readonly Finding<ColumnCode>[] => {
  const difference = columnDifference(catalog, wanted)
  if (difference === undefined) return []
  const actual = findColumn(catalog, wanted.table, wanted.column)
  return [finding('error', codeOf(wanted, actual?.type), { ...difference, help })]
}

const codeOf = ({ types }: RequiredColumn, actualType: string | undefined): ColumnCode => {
  if (actualType === undefined) return 'column_missing'
  return types.includes(plainType(actualType)) ? 'column_nullability' : 'column_type'
}
