import type { CatalogColumn } from '../../database/catalog.js'
import { columnName } from '../../persistence/shape.js'
import { finding, type Finding } from '../finding.js'
import type { Severity } from '../severity.js'
import { GUEST_COLUMNS, OTHER_UPDATE_COLUMNS, type Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import { indexedColumns } from './index-findings.js'
import { suggestField } from './suggested-lines.js'
import { GENERATE } from './comparison.js'

/** Columns that the model lacks and the application needs, or may drop. */
export const missingFieldFindings = (comparison: Comparison): readonly Finding<ModelCode>[] => {
  const { model, facts } = comparison
  const indexed = indexedColumns(comparison).filter((column) => !model.fields.some((field) => field.column === column))
  const known = model.fields.filter(({ ignored }) => !ignored).map(({ column }) => column)
  return facts.catalog.columns
    .filter(({ table, column }) => table === model.table && !known.includes(column))
    .flatMap((column) => {
      const wording = wordingOf(column) ?? (indexed.includes(column.column) ? DROPPED : undefined)
      if (wording === undefined) return []
      const { severity, actual } = wording
      return [
        {
          ...finding(severity, 'model_field_missing', {
            object: `model ${model.name}, column ${columnName(column)}`,
            expected: 'a field for the column',
            actual,
            help: [`add to model ${model.name}: ${suggestField(column, comparison)}`, GENERATE],
          }),
          place: { file: model.source.file, line: model.source.line },
        },
      ]
    })
}

interface Wording {
  readonly severity: Severity
  readonly actual: string
}

const DROPPED: Wording = {
  severity: 'note',
  actual: 'none: npx prisma db push would drop the column and its data',
}

const wordingOf = ({ table, column, nullable, optional }: CatalogColumn): Wording | undefined => {
  if (!nullable && !optional)
    return { severity: 'error', actual: 'none: NOT NULL without default, so every insert through the model fails' }
  if (table !== 'ChatMessage') return undefined
  if (GUEST_COLUMNS.includes(column))
    return { severity: 'warning', actual: 'none: the application can neither write nor read it' }
  return OTHER_UPDATE_COLUMNS.includes(column) ? DROPPED : undefined
}
