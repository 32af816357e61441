import type { CatalogColumn } from '../../database/catalog.js'
import { columnName, findColumn } from '../../persistence/shape.js'
import { type Finding } from '../finding.js'
import type { Severity } from '../severity.js'
import { fieldFinding, GUEST_COLUMNS, OTHER_UPDATE_COLUMNS, rewrite, type Comparison } from './comparison.js'
import { enumFindings } from './enum-findings.js'
import type { ModelCode } from './explanations.js'
import { matchType } from './field-types.js'
import type { ModelField } from './model.js'
import { optionalLine, requiredLine, suggestType } from './suggested-lines.js'
import { chatkeep } from '../../next-step.js'
import { optionalColumn } from '../checks/objects/repair-column.js'

/** Whether a field fits its column: existence, type, nullability, default and enum labels. */
export const fieldFindings = (field: ModelField, comparison: Comparison): readonly Finding<ModelCode>[] => {
  const { model, facts, schema } = comparison
  const column = findColumn(facts.catalog, model.table, field.column)
  if (column === undefined) return [fieldUnknown(field, comparison)]
  const wrongType = matchType(field, column, schema.enums)
  return [
    ...(wrongType === undefined ? [] : [typeDiffers(field, column, wrongType, comparison)]),
    ...nullabilityFindings(field, column, comparison),
    ...defaultFindings(field, column, comparison),
    ...enumFindings(field, column, schema, facts),
  ]
}

const fieldUnknown = (field: ModelField, { model, facts }: Comparison): Finding<ModelCode> => {
  const isOurs = facts.expectation === 'migrated' && [...GUEST_COLUMNS, ...OTHER_UPDATE_COLUMNS].includes(field.column)
  return fieldFinding(field, 'error', 'model_field_unknown', model, {
    expected: `the column ${columnName({ table: model.table, column: field.column })}`,
    actual: 'the column does not exist: every read of the model fails',
    help: isOurs ? chatkeep('migrate') : `remove from ${field.source.file}:${field.source.line}: ${field.source.text}`,
  })
}

const typeDiffers = (
  field: ModelField,
  column: CatalogColumn,
  { severity, consequence }: { readonly severity: Severity; readonly consequence: string },
  { model, schema }: Comparison,
): Finding<ModelCode> =>
  fieldFinding(field, severity, 'model_type_differs', model, {
    expected: `a type that fits ${column.type}`,
    actual: `${field.type}${field.list ? '[]' : ''}${field.nativeType === undefined ? '' : ` @db.${field.nativeType}`}: ${consequence}`,
    help: rewrite(field, suggestType(field, column, schema.enums)),
  })

const nullabilityFindings = (
  field: ModelField,
  column: CatalogColumn,
  { model }: Comparison,
): readonly Finding<ModelCode>[] => {
  // A list is never optional: the ORM reads NULL as an empty list.
  if (field.list) return []
  if (column.nullable && !field.optional) {
    return [
      fieldFinding(field, 'error', 'model_field_required', model, {
        expected: 'optional, because the column is nullable',
        actual: 'required: reading a row with NULL fails, and with it every row of that query',
        help: rewrite(field, optionalLine(field.source, field.type)),
      }),
    ]
  }
  if (column.nullable || !field.optional) return []
  const hasDefault = column.optional || field.filled
  return [
    fieldFinding(field, hasDefault ? 'warning' : 'error', 'model_field_optional', model, {
      expected: 'required, because the column is NOT NULL',
      actual: hasDefault
        ? 'optional: an insert with null fails; an insert without the field gets the default'
        : 'optional: an insert without the field fails',
      help: rewrite(field, requiredLine(field.source, field.type)),
    }),
  ]
}

const defaultFindings = (
  field: ModelField,
  column: CatalogColumn,
  { model, facts }: Comparison,
): readonly Finding<ModelCode>[] =>
  !field.generated || column.optional || column.nullable
    ? []
    : [
        fieldFinding(field, 'error', 'model_default_missing', model, {
          expected: 'a default in the database, because the model relies on it',
          actual: 'NOT NULL without default: every insert through the model fails',
          help: optionalColumn(facts.schema, model.table, field.column),
        }),
      ]
