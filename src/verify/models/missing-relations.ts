import { escapeIdentifier } from '../../database/identifier.js'
import { findColumn } from '../../persistence/shape.js'
import type { ForeignKey } from '../facts/integrity.js'
import { finding, type Finding } from '../finding.js'
import type { Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import { keyArguments } from './foreign-keys.js'
import { columnOf, fieldOf } from './index-shapes.js'
import type { Model } from './model.js'

/** Foreign keys between two models that no relation declares. */
export const missingRelationFindings = (comparison: Comparison): readonly Finding<ModelCode>[] => {
  const { model, schema, facts } = comparison
  const keys = facts.integrity.foreignKeys.filter(({ table }) => table === model.table)
  if (schema.withoutForeignKeys !== undefined) return keys.map((key) => keysUnwanted(key, comparison))
  return keys
    .filter((key) => key.columns.every((column) => model.fields.some((field) => field.column === column)))
    .filter(
      (key) =>
        !model.relations.some(({ fields }) =>
          same(
            fields.map((field) => columnOf(field, model)),
            key.columns,
          ),
        ),
    )
    .flatMap((key) => {
      const other = schema.models.find(({ table }) => table === key.referencedTable)
      return other === undefined ? [] : [relationMissing(key, other, comparison)]
    })
}

const same = (one: readonly string[], other: readonly string[]): boolean => one.join() === other.join()

const relationMissing = (key: ForeignKey, other: Model, { model, facts }: Comparison): Finding<ModelCode> => {
  const optional = key.columns.some((column) => findColumn(facts.catalog, key.table, column)?.nullable === true)
  // Two relations between the same models need names.
  const isSecond = [...model.relations, ...other.relations].some(
    ({ type }) => type === other.name || type === model.name,
  )
  const name = isSecond ? [JSON.stringify(key.name)] : []
  const there = [
    ...name,
    `fields: [${key.columns.map((column) => fieldOf(column, model)).join(', ')}]`,
    `references: [${key.referencedColumns.map((column) => fieldOf(column, other)).join(', ')}]`,
    ...keyArguments(key, optional),
  ]
  const back = name.length === 0 ? '' : ` @relation(${name.join()})`
  return {
    ...finding('warning', 'model_relation_missing', {
      object: `model ${model.name}, foreign key ${escapeIdentifier(key.name)}`,
      expected: 'a relation in the model, because the database has the foreign key',
      actual: 'none: npx prisma db push would drop the foreign key',
      help:
        `add to model ${model.name}: ${freeName(other.name, model)} ${other.name}${optional ? '?' : ''} @relation(${there.join(', ')}); ` +
        `add to model ${other.name}: ${freeName(`${model.name}s`, other)} ${model.name}[]${back}; then npx prisma generate`,
    }),
    place: { file: model.source.file, line: model.source.line },
  }
}

/** A name for a field: that of the other model, in lower case as fields are. */
const freeName = (wanted: string, { fields, relations }: Pick<Model, 'fields' | 'relations'>): string => {
  const name = `${wanted.charAt(0).toLowerCase()}${wanted.slice(1)}`
  return [...fields, ...relations].some((field) => field.name === name)
    ? freeName(`${wanted}_`, { fields, relations })
    : name
}

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
