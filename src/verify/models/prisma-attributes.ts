import type { BlockAttribute, Field, Value } from '@mrleebo/prisma-ast'
import type { ModelIndex, ModelRelation, Source } from './model.js'
import {
  elementsOf,
  firstArgument,
  isArray,
  isFunction,
  isKeyed,
  namedArgument,
  textOf,
  wordOf,
} from './prisma-values.js'

/** The side without `fields` has no foreign key, and so is none. */
export const toRelation = (field: Field, source: Source): readonly ModelRelation[] => {
  const relation = field.attributes?.find(({ name }) => name === 'relation')
  const fields = words(namedArgument(relation, 'fields'))
  if (fields.length === 0) return []
  return [
    {
      name: field.name,
      optional: field.optional === true,
      fields,
      references: words(namedArgument(relation, 'references')),
      type: typeof field.fieldType === 'string' ? field.fieldType : '',
      map: textOf(namedArgument(relation, 'map')),
      onDelete: wordOf(namedArgument(relation, 'onDelete')),
      onUpdate: wordOf(namedArgument(relation, 'onUpdate')),
      source,
    },
  ]
}

/** `@@index([…])` or `@@unique([…])`. */
export const toBlockIndex = (attribute: BlockAttribute, source: Source): readonly ModelIndex[] => {
  const { name } = attribute
  if (name !== 'index' && name !== 'unique') return []
  const list = namedArgument(attribute, 'fields') ?? firstArgument(attribute)
  const fields = elementsOf(list).flatMap((field) => {
    if (typeof field === 'string') return [{ name: field, descending: false }]
    return isFunction(field) ? [{ name: field.name, descending: isDescending(field.params ?? []) }] : []
  })
  if (fields.length === 0) return []
  const method = (wordOf(namedArgument(attribute, 'type')) ?? 'btree').toLowerCase()
  return [{ kind: name, at: 'block', fields, map: textOf(namedArgument(attribute, 'map')), method, source }]
}

/** `@unique` at a field. */
export const toFieldIndex = (field: Field, source: Source): readonly ModelIndex[] => {
  const unique = field.attributes?.find(({ name, group }) => group === undefined && name === 'unique')
  if (unique === undefined) return []
  const first = firstArgument(unique)
  const map = textOf(namedArgument(unique, 'map')) ?? textOf(isArray(first) ? undefined : first)
  const descending = wordOf(namedArgument(unique, 'sort')) === 'Desc'
  return [{ kind: 'unique', at: 'field', fields: [{ name: field.name, descending }], map, method: 'btree', source }]
}

const words = (value: Value | undefined): readonly string[] => elementsOf(value).flatMap((one) => wordOf(one) ?? [])

const isDescending = (params: readonly Value[]): boolean =>
  params.some((param) => isKeyed(param, 'sort') && param.value === 'Desc')
