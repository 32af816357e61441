import { findColumn } from '../../persistence/shape.js'
import type { ForeignKey } from '../facts/integrity.js'
import type { Finding } from '../finding.js'
import { fieldFinding, rewrite, type Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import type { ModelRelation } from './model.js'
import { optionalLine } from './suggested-lines.js'

/** Relations that do not fit: required although a column is nullable, or with another ON DELETE or ON UPDATE than the database. */
export const relationFindings = (comparison: Comparison): readonly Finding<ModelCode>[] =>
  comparison.model.relations.flatMap((relation) => {
    const key = keyOf(relation, comparison)
    return isWronglyRequired(relation, comparison)
      ? [required(relation, key, comparison)]
      : actionFindings(relation, key, comparison)
  })

const columnsOf = ({ fields }: ModelRelation, { model }: Comparison): readonly string[] =>
  fields.map((field) => model.fields.find(({ name }) => name === field)?.column ?? field)

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
    help: rewrite(relation, withActions(optionalLine(relation.source, relation.type), key, true)),
  })

/** Prisma's defaults, which depend on whether the relation is optional. */
const defaultActions = (optional: boolean): Actions => ({
  onDelete: optional ? 'SetNull' : 'Restrict',
  onUpdate: 'Cascade',
})

type Actions = Pick<ForeignKey, 'onDelete' | 'onUpdate'>

const actionFindings = (
  relation: ModelRelation,
  key: ForeignKey | undefined,
  { model }: Comparison,
): readonly Finding<ModelCode>[] => {
  if (key === undefined) return []
  const defaults = defaultActions(relation.optional)
  const onDelete = relation.onDelete ?? defaults.onDelete
  const onUpdate = relation.onUpdate ?? defaults.onUpdate
  if (onDelete === key.onDelete && onUpdate === key.onUpdate) return []
  const cascades = onDelete === 'Cascade' && key.onDelete !== 'Cascade'
  return [
    fieldFinding(relation, cascades ? 'error' : 'warning', 'model_relation_differs', model, {
      expected: `onDelete: ${key.onDelete}, onUpdate: ${key.onUpdate}, as in the database`,
      actual: `onDelete: ${onDelete}, onUpdate: ${onUpdate}: npx prisma db push would change the foreign key${cascades ? `, and a deleted ${relation.type} would take its rows with it` : ''}`,
      help: rewrite(relation, withActions(relation.source.text, key, relation.optional)),
    }),
  ]
}

/** The line with the actions of the database, where they are not Prisma's defaults. */
const withActions = (line: string, key: ForeignKey | undefined, optional: boolean): string => {
  if (key === undefined) return line
  const defaults = defaultActions(optional)
  const added = (['onDelete', 'onUpdate'] as const)
    .filter((action) => key[action] !== defaults[action])
    .map((action) => `, ${action}: ${key[action]}`)
  const bare = line.replaceAll(/,\s*on(?:Delete|Update):\s*\w+/g, '')
  return bare.replace(/(@relation\([^)]*)\)/, (_all, start: string) => `${start}${added.join('')})`)
}
