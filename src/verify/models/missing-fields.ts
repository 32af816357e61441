import type { CatalogColumn } from '../../database/catalog.js'
import { columnName } from '../../persistence/shape.js'
import { finding, type Finding } from '../finding.js'
import type { Severity } from '../severity.js'
import { GUEST_COLUMNS, OTHER_UPDATE_COLUMNS, type Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import { suggestField } from './suggested-lines.js'

/** Columns that the model lacks and the application needs, or may drop. */
export const missingFieldFindings = ({ model, facts, schema }: Comparison): readonly Finding<ModelCode>[] => {
  const known = model.fields.filter(({ ignored }) => !ignored).map(({ column }) => column)
  return facts.catalog.columns
    .filter(({ table, column }) => table === model.table && !known.includes(column))
    .flatMap((column) => {
      const wording = wordingOf(column)
      if (wording === undefined) return []
      const { severity, actual } = wording
      return [
        {
          ...finding(severity, 'model_field_missing', {
            object: `model ${model.name}, column ${columnName(column)}`,
            expected: 'a field for the column',
            actual,
            help: `add to model ${model.name}: ${suggestField(column, facts, schema.enums)}; then npx prisma generate`,
          }),
          place: { file: model.source.file, line: model.source.line },
        },
      ]
    })
}

const wordingOf = ({
  table,
  column,
  nullable,
  optional,
}: CatalogColumn): { severity: Severity; actual: string } | undefined => {
  if (!nullable && !optional)
    return { severity: 'error', actual: 'none: NOT NULL without default, so every insert through the model fails' }
  if (table !== 'ChatMessage') return undefined
  if (GUEST_COLUMNS.includes(column))
    return { severity: 'warning', actual: 'none: the application can neither write nor read it' }
  if (OTHER_UPDATE_COLUMNS.includes(column))
    return { severity: 'note', actual: 'none: npx prisma db push would drop the column and its data' }
  return undefined
}
