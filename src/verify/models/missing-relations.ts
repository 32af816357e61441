import { escapeIdentifier } from '../../database/identifier.js'
import { findColumn } from '../../persistence/shape.js'
import type { Facts } from '../facts/facts.js'
import type { ForeignKey } from '../facts/integrity.js'
import { finding, type Finding } from '../finding.js'
import type { Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import { keyArguments } from './foreign-keys.js'
import { columnOf, fieldOf, freeName } from './index-shapes.js'
import { GENERATE } from './comparison.js'
import type { Model } from './model.js'

/** A foreign key between two models that no relation declares. */
interface Undeclared {
  readonly key: ForeignKey
  readonly model: Model
  readonly other: Model
}

/** Foreign keys between two models that no relation declares. */
export const missingRelationFindings = (comparison: Comparison): readonly Finding<ModelCode>[] => {
  const { model, schema, facts } = comparison
  if (schema.withoutForeignKeys !== undefined) {
    return facts.integrity.foreignKeys
      .filter(({ table }) => table === model.table)
      .map((key) => keysUnwanted(key, comparison))
  }
  // Those of the other models count, too: the names of the fields must differ.
  const all = schema.models.flatMap((one) => undeclared(one, comparison))
  return all.filter((one) => one.model === model).map((one) => relationMissing(one, all, facts))
}

const undeclared = (model: Model, { schema, facts }: Comparison): readonly Undeclared[] =>
  facts.integrity.foreignKeys
    .filter(
      ({ table, columns }) =>
        table === model.table &&
        columns.every((column) => model.fields.some((field) => field.column === column)) &&
        !model.relations.some(({ fields }) => fields.map((field) => columnOf(field, model)).join() === columns.join()),
    )
    .flatMap((key) => {
      const other = schema.models.find(({ table }) => table === key.referencedTable)
      return other === undefined ? [] : [{ key, model, other }]
    })

const relationMissing = (one: Undeclared, all: readonly Undeclared[], { catalog }: Facts): Finding<ModelCode> => {
  const { key, model, other } = one
  const optional = key.columns.some((column) => findColumn(catalog, key.table, column)?.nullable === true)
  const fields = key.columns.map((column) => fieldOf(column, model))
  const named = needsName(one, all)
  const suffix = named ? `_${fields.join('_')}` : ''
  const name = named ? [JSON.stringify(key.name)] : []
  const there = [
    ...name,
    `fields: [${fields.join(', ')}]`,
    `references: [${key.referencedColumns.map((column) => fieldOf(column, other)).join(', ')}]`,
    ...keyArguments(key, optional),
  ]
  const back = named ? ` @relation(${name.join()})` : ''
  return {
    ...finding('warning', 'model_relation_missing', {
      object: `model ${model.name}, foreign key ${escapeIdentifier(key.name)}`,
      expected: 'a relation in the model, because the database has the foreign key',
      actual: 'none: npx prisma db push would drop the foreign key',
      help: [
        `add to model ${model.name}: ${relationName(`${other.name}${suffix}`, model)} ${other.name}${optional ? '?' : ''} @relation(${there.join(', ')})`,
        `add to model ${other.name}: ${relationName(`${model.name}s${suffix}`, other)} ${model.name}[]${back}`,
        GENERATE,
      ],
    }),
    place: { file: model.source.file, line: model.source.line },
  }
}

/** Several relations between the same models need names, and one of a model with itself does. */
const needsName = ({ model, other }: Undeclared, all: readonly Undeclared[]): boolean =>
  model === other ||
  model.relations.some(({ type }) => type === other.name) ||
  other.relations.some(({ type }) => type === model.name) ||
  all.filter((one) => [one.model, one.other].every((end) => end === model || end === other)).length > 1

/** A name for a field: that of the other model, in lower case as fields are. */
const relationName = (wanted: string, model: Model): string =>
  freeName(`${wanted.charAt(0).toLowerCase()}${wanted.slice(1)}`, model)

const keysUnwanted = (key: ForeignKey, { model, schema }: Comparison): Finding<ModelCode> => {
  const { file, line } = schema.withoutForeignKeys ?? model.source
  return {
    ...finding('warning', 'model_relation_missing', {
      object: `model ${model.name}, foreign key ${escapeIdentifier(key.name)}`,
      expected: 'relationMode = "foreignKeys", because the database has the foreign key',
      actual: 'relationMode = "prisma": npx prisma db push would drop the foreign key',
      help: `remove ${file}:${line}`,
    }),
    place: { file, line },
  }
}
