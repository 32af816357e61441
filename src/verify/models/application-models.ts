import type { CatalogColumn } from '../../database/catalog.js'
import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { columnName, findColumn, isUnique } from '../../persistence/shape.js'
import type { ApplicationSchema, Model, ModelField } from './model.js'
import type { FactCheck } from '../check.js'
import { ALWAYS } from '../expectation.js'
import { hasTable, type Facts } from '../facts/facts.js'
import type { FindingCode } from '../codes.js'
import { commandLine, finding, type Finding } from '../finding.js'
import type { Severity } from '../severity.js'
import { enumFindings } from './enums.js'
import { optionalLine, requiredLine, suggestField, suggestType } from './lines.js'
import { matchType } from './types.js'

/** Tables that the application writes by its models; of the others it only reads. */
const WRITTEN_TABLES: readonly string[] = ['ChatMessage', 'Client']
const READ_TABLES: readonly string[] = ['User']

/** What came with the guest-chat update. Without the first two a model can neither write nor read who a guest is. */
const GUEST_COLUMNS: readonly string[] = ['guestUsername', 'guestPhone']
const FURTHER_COLUMNS: readonly string[] = ['idempotencyKey', 'guestUnverified']

/** Columns by which the application looks for one row. */
const UNIQUE_COLUMNS: readonly (readonly [string, string])[] = [
  ['Client', 'username'],
  ['Client', 'phone'],
  ['ChatMessage', 'idempotencyKey'],
]

interface Comparison {
  readonly model: Model
  readonly schema: ApplicationSchema
  readonly facts: Facts
}

/** Do the models of the application's ORM agree with the tables of the chat? Where they do not, the application fails, whatever the database can. */
export const applicationModels = (schema: ApplicationSchema): FactCheck => ({
  name: 'application-schema',
  expectations: ALWAYS,
  findings: (facts) =>
    [...WRITTEN_TABLES, ...READ_TABLES]
      .filter((table) => hasTable(facts, table))
      .flatMap((table) => tableFindings(table, schema, facts)),
})

const tableFindings = (table: string, schema: ApplicationSchema, facts: Facts): readonly Finding[] => {
  const model = schema.models.find((one) => one.table === table && (one.schema ?? facts.schema) === facts.schema)
  if (model === undefined) return WRITTEN_TABLES.includes(table) ? [modelMissing(table, schema)] : []
  const comparison = { model, schema, facts }
  return [
    ...model.fields.filter(({ ignored }) => !ignored).flatMap((field) => fieldFindings(field, comparison)),
    ...relationFindings(comparison),
    ...missingFindings(comparison),
    ...uniquenessFindings(comparison),
  ]
}

const modelMissing = (table: string, { path }: ApplicationSchema): Finding =>
  finding('warning', 'model_missing', {
    object: `table ${escapeIdentifier(table)}`,
    expected: `a model in ${path}`,
    actual: 'none: the application cannot use the table through its ORM',
    help: `npx prisma db pull, or add the model to ${path}; one of another name says @@map(${JSON.stringify(table)})`,
  })

const fieldFindings = (field: ModelField, comparison: Comparison): readonly Finding[] => {
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

const fieldUnknown = (field: ModelField, { model, facts }: Comparison): Finding => {
  const isOurs = facts.expectation === 'migrated' && [...GUEST_COLUMNS, ...FURTHER_COLUMNS].includes(field.column)
  return at(field, 'error', 'model_field_unknown', model, {
    expected: `the column ${columnName({ table: model.table, column: field.column })}`,
    actual: 'the database has no such column: every read of the model fails',
    help: isOurs
      ? commandLine('migrate', facts)
      : `remove from ${field.source.file}:${field.source.line}: ${field.source.text}`,
  })
}

const typeDiffers = (
  field: ModelField,
  column: CatalogColumn,
  { severity, consequence }: { readonly severity: Severity; readonly consequence: string },
  { model, schema }: Comparison,
): Finding =>
  at(field, severity, 'model_type_differs', model, {
    expected: `a type that fits ${column.type}`,
    actual: `${field.type}${field.list ? '[]' : ''}${field.nativeType === undefined ? '' : ` @db.${field.nativeType}`}: ${consequence}`,
    help: rewrite(field, suggestType(field, column, schema.enums)),
  })

const nullabilityFindings = (field: ModelField, column: CatalogColumn, { model }: Comparison): readonly Finding[] => {
  // A list is never optional; the ORM reads NULL as an empty one.
  if (field.list) return []
  if (column.nullable && !field.optional) {
    return [
      at(field, 'error', 'model_field_required', model, {
        expected: 'optional, since the column is nullable',
        actual: 'required: reading a row without a value fails, and with it every row of that query',
        help: rewrite(field, optionalLine(field.source, field.type)),
      }),
    ]
  }
  if (column.nullable || !field.optional) return []
  const hasDefault = column.optional || field.filled
  return [
    at(field, hasDefault ? 'warning' : 'error', 'model_field_optional', model, {
      expected: 'required, since the column is NOT NULL',
      actual: hasDefault
        ? 'optional: an insert that says null fails; one that leaves it out gets the default'
        : 'optional: an insert that leaves it out fails',
      help: rewrite(field, requiredLine(field.source, field.type)),
    }),
  ]
}

const defaultFindings = (field: ModelField, column: CatalogColumn, { model, facts }: Comparison): readonly Finding[] =>
  !field.generated || column.optional || column.nullable
    ? []
    : [
        at(field, 'error', 'model_default_missing', model, {
          expected: 'a default in the database, on which the model relies',
          actual: 'NOT NULL without default: every insert through the model fails',
          help: `ALTER TABLE ${qualified(facts.schema, model.table)} ALTER COLUMN ${escapeIdentifier(field.column)} SET DEFAULT …`,
        }),
      ]

const relationFindings = ({ model, facts }: Comparison): readonly Finding[] =>
  model.relations
    .filter(({ optional, fields }) => {
      const columns = model.fields.filter(({ name }) => fields.includes(name)).map(({ column }) => column)
      return !optional && columns.some((column) => findColumn(facts.catalog, model.table, column)?.nullable === true)
    })
    .map((relation) =>
      at(relation, 'error', 'model_field_required', model, {
        expected: `optional, since ${relation.fields.join(', ')} may be NULL`,
        actual: `required: reading a row without its ${relation.type} fails`,
        help: rewrite(relation, optionalLine(relation.source, relation.type)),
      }),
    )

const missingFindings = ({ model, facts, schema }: Comparison): readonly Finding[] => {
  if (!WRITTEN_TABLES.includes(model.table)) return []
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
            expected: 'a field for it',
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
  if (FURTHER_COLUMNS.includes(column))
    return { severity: 'note', actual: 'none: npx prisma db push would drop the column, with what it holds' }
  return undefined
}

const uniquenessFindings = ({ model, facts }: Comparison): readonly Finding[] =>
  UNIQUE_COLUMNS.filter(([table]) => table === model.table).flatMap(([table, column]) => {
    const field = model.fields.find((candidate) => candidate.column === column && !candidate.ignored)
    if (field === undefined || findColumn(facts.catalog, table, column) === undefined) return []
    const unique = isUnique(facts.catalog, table, column)
    if (unique === field.unique) return []
    return [
      unique
        ? at(field, 'warning', 'model_unique_missing', model, {
            expected: '@unique, since the column is',
            actual:
              'not @unique: findUnique and upsert by it are not offered, and npx prisma db push would drop the index',
            help: rewrite(field, `${field.source.text} @unique`),
          })
        : at(field, 'error', 'model_unique_unfounded', model, {
            expected: 'a unique index on the column, as the model says @unique',
            actual: 'none that is valid: upsert by it fails or makes doubles',
            help: commandLine('migrate', facts),
          }),
    ]
  })

const rewrite = ({ source: { file, line } }: Pick<ModelField, 'source'>, text: string): string =>
  `in ${file}:${line} write: ${text}; then npx prisma generate`

const at = (
  { name, source: { file, line } }: Pick<ModelField, 'name' | 'source'>,
  severity: Severity,
  code: FindingCode,
  model: Model,
  words: Pick<Finding, 'expected' | 'actual' | 'help'>,
): Finding => ({
  ...finding(severity, code, { object: `model ${model.name}, field ${name}`, ...words }),
  place: { file, line },
})
