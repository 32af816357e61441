import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { findColumn } from '../../persistence/shape.js'
import type { ForeignKey } from '../facts/integrity.js'
import type { Finding } from '../finding.js'
import { fieldFinding, rewrite, type Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import { declaredKey, describeKeys, withKey } from './foreign-keys.js'
import { columnOf } from './index-shapes.js'
import { missingRelationFindings } from './missing-relations.js'
import type { ModelRelation } from './model.js'
import { optionalLine } from './suggested-lines.js'
import { sql } from '../../next-step.js'

/** Relations that do not fit: required although a column is nullable, or unlike the foreign key, or on only one side. */
export const relationFindings = (comparison: Comparison): readonly Finding<ModelCode>[] => [
  ...comparison.model.relations.flatMap((relation) => {
    const key = keyOf(relation, comparison)
    return isWronglyRequired(relation, comparison)
      ? [required(relation, key, comparison)]
      : keyFindings(relation, key, comparison)
  }),
  ...missingRelationFindings(comparison),
]

const columnsOf = ({ fields }: ModelRelation, { model }: Comparison): readonly string[] =>
  fields.map((field) => columnOf(field, model))

const keyOf = (relation: ModelRelation, comparison: Comparison): ForeignKey | undefined => {
  const columns = columnsOf(relation, comparison)
  return comparison.facts.integrity.foreignKeys.find(
    (key) => key.table === comparison.model.table && key.columns.join() === columns.join(),
  )
}

const isWronglyRequired = (relation: ModelRelation, comparison: Comparison): boolean =>
  !relation.optional &&
  columnsOf(relation, comparison).some(
    (column) => findColumn(comparison.facts.catalog, comparison.model.table, column)?.nullable === true,
  )

const required = (relation: ModelRelation, key: ForeignKey | undefined, { model }: Comparison): Finding<ModelCode> =>
  fieldFinding(relation, 'error', 'model_field_required', model, {
    expected: `optional, because ${relation.fields.join(', ')} can be NULL`,
    actual: `required: reading a row without its ${relation.type} fails`,
    help: rewrite(
      relation,
      key === undefined
        ? optionalLine(relation.source, relation.type)
        : withKey(optionalLine(relation.source, relation.type), key, true),
    ),
  })

const keyFindings = (
  relation: ModelRelation,
  key: ForeignKey | undefined,
  comparison: Comparison,
): readonly Finding<ModelCode>[] => {
  const { model, schema } = comparison
  if (schema.withoutForeignKeys !== undefined) return []
  if (key === undefined) return [keyMissing(relation, comparison)]
  const declared = declaredKey(relation, model)
  const [expected, actual] = describeKeys(key, declared)
  if (expected === actual) return []
  const cascades = declared.onDelete === 'Cascade' && key.onDelete !== 'Cascade'
  return [
    fieldFinding(relation, cascades ? 'error' : 'warning', 'model_relation_differs', model, {
      expected: `${expected}, as in the database`,
      actual: `${actual}: npx prisma db push would change the foreign key${cascades ? `, and a deleted ${relation.type} would take its rows with it` : ''}`,
      help: rewrite(relation, withKey(relation.source.text, key, relation.optional)),
    }),
  ]
}

const keyMissing = (relation: ModelRelation, comparison: Comparison): Finding<ModelCode> => {
  const { model, facts, schema } = comparison
  const other = schema.models.find(({ name }) => name === relation.type)
  const list = (columns: readonly string[]): string => columns.map(escapeIdentifier).join(', ')
  const { name, onDelete, onUpdate } = declaredKey(relation, model)
  const references = relation.references.map((field) => (other === undefined ? field : columnOf(field, other)))
  const table = qualified(facts.schema, model.table)
  return fieldFinding(relation, 'note', 'model_relation_unknown', model, {
    expected: 'a foreign key in the database, because the model has the relation',
    actual: 'none: npx prisma db push would create it, and fails if a row refers to nothing',
    help: sql([
      `ALTER TABLE ${table} ADD CONSTRAINT ${escapeIdentifier(name)} FOREIGN KEY (${list(columnsOf(relation, comparison))}) ` +
        `REFERENCES ${qualified(facts.schema, other?.table ?? relation.type)} (${list(references)}) ` +
        `ON DELETE ${inSql(onDelete)} ON UPDATE ${inSql(onUpdate)} NOT VALID`,
      `ALTER TABLE ${table} VALIDATE CONSTRAINT ${escapeIdentifier(name)}`,
    ]),
  })
}

const inSql = (action: string): string => action.replace(/(?<=[a-z])(?=[A-Z])/, ' ').toUpperCase()
