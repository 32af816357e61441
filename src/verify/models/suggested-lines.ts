import type { CatalogColumn } from '../../database/catalog.js'
import { isUnique, plainType } from '../../persistence/shape.js'
import type { ModelEnum, ModelField, Source } from './model.js'
import type { Comparison } from './comparison.js'
import { SCALARS } from './field-types.js'
import { fieldOf } from './index-shapes.js'

/** The line with its type made optional: `clientId Int?`. */
export const optionalLine = ({ text }: Source, type: string): string => retype(text, type, `${type}?`)

/** The line with its type made required. */
export const requiredLine = ({ text }: Source, type: string): string => retype(text, `${type}?`, type)

/** The line with the type of the column. */
export const suggestType = (field: ModelField, column: CatalogColumn, enums: readonly ModelEnum[]): string => {
  const written = `${field.type}${field.list ? '[]' : ''}`
  // The @db attribute belongs to the old type.
  const text = field.source.text.replace(/\s*@db\.\w+(\([^)]*\))?/, '')
  const [type, ...attributes] = typeOf(column, enums)
  return attributes.reduce(withAttribute, retype(text, written, type))
}

/** The line with another attribute, before its comment. */
export const withAttribute = (text: string, attribute: string): string =>
  text.replace(COMMENT, (_all, code: string, comment = '') => `${code} ${attribute}${comment}`)

// Quoted text may have slashes, too.
const COMMENT = /^((?:"(?:\\.|[^"\\])*"|\/(?!\/)|[^"/])*?)(\s*\/\/.*)?$/

/** The line of a missing field: `guestUsername String?`. */
export const suggestField = (column: CatalogColumn, { model, facts, schema: { enums } }: Comparison): string => {
  const name = fieldOf(column.column, model)
  const [type, ...attributes] = typeOf(column, enums)
  return [
    name,
    `${type}${column.nullable && !type.endsWith('[]') ? '?' : ''}`,
    ...(isUnique(facts.catalog, column.table, column.column) ? ['@unique'] : []),
    ...(column.column === 'guestUnverified' ? ['@default(false)'] : []),
    ...attributes,
    ...(name === column.column ? [] : [`@map(${JSON.stringify(column.column)})`]),
  ].join(' ')
}

/** Types that differ from Prisma's default for the scalar and so need an `@db` attribute. */
const NATIVE_ATTRIBUTES: Readonly<Record<string, string>> = {
  'timestamp with time zone': '@db.Timestamptz(3)',
  'character varying': '@db.VarChar',
  smallint: '@db.SmallInt',
  uuid: '@db.Uuid',
  date: '@db.Date',
  json: '@db.Json',
  real: '@db.Real',
}

const typeOf = ({ type }: CatalogColumn, enums: readonly ModelEnum[]): readonly [string, ...string[]] => {
  const plain = plainType(type)
  const element = plain.replace(/\[\]$/, '')
  const list = plain === element ? '' : '[]'
  const length = /\((\d+)\)/.exec(type)?.[0] ?? ''
  const native = NATIVE_ATTRIBUTES[element]
  const attributes = native === undefined ? [] : [element === 'character varying' ? `${native}${length}` : native]
  const named = enums.find((one) => element === one.type || element === `"${one.type}"`)
  if (named !== undefined) return [`${named.name}${list}`]
  const scalar =
    element === 'uuid' ? 'String' : Object.keys(SCALARS).find((name) => SCALARS[name]?.includes(element) === true)
  // Types without a Prisma scalar, including enums without a model.
  return [`${scalar ?? `Unsupported("${element.replaceAll('"', '')}")`}${list}`, ...attributes]
}

// Only the type after the field's name: attributes may repeat it.
const retype = (text: string, from: string, to: string): string => {
  const [whole = '', name = '', gap = ''] = /^(\w+)(\s+)/.exec(text) ?? []
  const rest = text.slice(whole.length)
  return rest.startsWith(from)
    ? `${name}${gap.length > 1 ? ' ' : gap}${to}${rest.slice(from.length)}`.replace(/ {2,}/g, ' ')
    : text
}
