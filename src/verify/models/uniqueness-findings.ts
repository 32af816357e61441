import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { findColumn, isUnique } from '../../persistence/shape.js'
import { type Finding } from '../finding.js'
import { fieldFinding, rewrite, type Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import { blockLine, mapArgument, shapeDeclared, shapeOf, type IndexShape } from './index-shapes.js'
import type { ModelField, ModelIndex } from './model.js'
import { withAttribute } from './suggested-lines.js'
import { chatkeep, sql } from '../../next-step.js'

/** Fields that are unique in only one of the model and the database, or whose index has another name. */
export const uniquenessFindings = (comparison: Comparison): readonly Finding<ModelCode>[] => {
  const { model, facts } = comparison
  return model.fields
    .filter(
      ({ ignored, id, column }) => !ignored && !id && findColumn(facts.catalog, model.table, column) !== undefined,
    )
    .flatMap((field) => {
      const [found, ...others] = uniqueIndexes(field, comparison)
      const declared = model.indexes.find(
        ({ kind, fields }) => kind === 'unique' && fields.length === 1 && fields[0]?.name === field.name,
      )
      if (declared === undefined) return found === undefined ? [] : [uniqueMissing(field, found, comparison)]
      if (!isUnique(facts.catalog, model.table, field.column)) return [unfounded(field, comparison)]
      const { name } = shapeDeclared(declared, model)
      return found === undefined || [found, ...others].some((index) => index.name === name)
        ? []
        : [otherName(field, declared, found, comparison)]
    })
}

const uniqueIndexes = (field: ModelField, { model, facts }: Comparison): readonly IndexShape[] =>
  facts.catalog.indexes
    .filter(({ table, name, valid }) => table === model.table && valid && !facts.integrity.primaryKeys.includes(name))
    .flatMap((index) => shapeOf(index) ?? [])
    .filter(({ unique, columns }) => unique && columns.length === 1 && columns[0]?.name === field.column)

const uniqueMissing = (field: ModelField, index: IndexShape, { model }: Comparison): Finding<ModelCode> =>
  fieldFinding(field, 'warning', 'model_unique_missing', model, {
    expected: '@unique, because the column is unique',
    actual: 'not @unique: findUnique and upsert by it are not available, and npx prisma db push would drop the index',
    help: rewrite(field, withAttribute(field.source.text, uniqueAttribute(mapArgument(index, model)))),
  })

const unfounded = (field: ModelField, { model, facts }: Comparison): Finding<ModelCode> =>
  fieldFinding(field, 'error', 'model_unique_unfounded', model, {
    expected: 'a unique index on the column, because the model has @unique',
    actual: 'no valid unique index: upsert by it fails or creates duplicates',
    help: REQUIRED.includes(`${model.table}.${field.column}`)
      ? chatkeep('migrate')
      : sql(
          `CREATE UNIQUE INDEX CONCURRENTLY ON ${qualified(facts.schema, model.table)} (${escapeIdentifier(field.column)})`,
        ),
  })

/** The unique columns that chatkeep itself needs. */
const REQUIRED: readonly string[] = ['Client.username', 'Client.phone', 'ChatMessage.idempotencyKey']

const otherName = (
  field: ModelField,
  declared: ModelIndex,
  index: IndexShape,
  { model }: Comparison,
): Finding<ModelCode> =>
  fieldFinding(field, 'warning', 'model_index_differs', model, {
    expected: `the index ${escapeIdentifier(index.name)}, as in the database`,
    actual: `the index ${escapeIdentifier(shapeDeclared(declared, model).name)}: npx prisma db push would rename it`,
    help: rewrite(
      declared,
      declared.at === 'block'
        ? blockLine(index, model)
        : declared.source.text.replace(/@unique(\([^)]*\))?/, uniqueAttribute(mapArgument(index, model))),
    ),
  })

const uniqueAttribute = (args: readonly string[]): string =>
  args.length === 0 ? '@unique' : `@unique(${args.join(', ')})`
