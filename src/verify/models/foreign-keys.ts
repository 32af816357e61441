import type { ForeignKey } from '../facts/integrity.js'
import { columnOf, constraintName } from './index-shapes.js'
import type { Model, ModelRelation } from './model.js'

/** What a relation says about its foreign key. */
interface Key {
  readonly name: string
  readonly onDelete: string
  readonly onUpdate: string
}

/** Prisma's defaults, which depend on whether the relation is optional. */
const defaultActions = (optional: boolean): Omit<Key, 'name'> => ({
  onDelete: optional ? 'SetNull' : 'Restrict',
  onUpdate: 'Cascade',
})

const defaultName = (table: string, columns: readonly string[]): string => constraintName([table, ...columns], '_fkey')

/** The foreign key that the ORM would create. */
export const declaredKey = (relation: ModelRelation, model: Model): Key => {
  const defaults = defaultActions(relation.optional)
  const columns = relation.fields.map((field) => columnOf(field, model))
  return {
    name: relation.map ?? defaultName(model.table, columns),
    onDelete: relation.onDelete ?? defaults.onDelete,
    onUpdate: relation.onUpdate ?? defaults.onUpdate,
  }
}

/** Both in Prisma's words; the names only where they differ. */
export const describeKeys = (one: Key, other: Key): readonly [string, string] => {
  const named = one.name !== other.name
  return [describe(one, named), describe(other, named)]
}

const describe = ({ name, onDelete, onUpdate }: Key, named: boolean): string =>
  [`onDelete: ${onDelete}`, `onUpdate: ${onUpdate}`, ...(named ? [`map: ${JSON.stringify(name)}`] : [])].join(', ')

/** What `@relation(…)` must say about a foreign key, beyond Prisma's defaults. */
export const keyArguments = (key: ForeignKey, optional: boolean): readonly string[] => {
  const defaults = defaultActions(optional)
  return [
    ...(['onDelete', 'onUpdate'] as const)
      .filter((action) => key[action] !== defaults[action])
      .map((action) => `${action}: ${key[action]}`),
    ...(key.name === defaultName(key.table, key.columns) ? [] : [`map: ${JSON.stringify(key.name)}`]),
  ]
}

/** The line of a relation with the actions and the name of its foreign key. */
export const withKey = (line: string, key: ForeignKey, optional: boolean): string => {
  const bare = line.replaceAll(/,\s*(?:on(?:Delete|Update):\s*\w+|map:\s*"[^"]*")/g, '')
  const added = keyArguments(key, optional).map((argument) => `, ${argument}`)
  return bare.replace(/(@relation\([^)]*)\)/, (_all, start: string) => `${start}${added.join('')})`)
}
