import type { CatalogIndex } from '../../database/catalog.js'
import type { Model, ModelIndex } from './model.js'

/** An index as a model can declare it. */
export interface IndexShape {
  readonly name: string
  readonly unique: boolean
  /** As PostgreSQL writes it, e.g. `btree`. */
  readonly method: string
  readonly columns: readonly {
    readonly name: string
    /** If it is not the default of the column's type, which Prisma sees in indexes other than btree; declared ones are not read. */
    readonly operatorClass: string | undefined
    readonly descending: boolean
  }[]
}

/** @returns undefined for an index that Prisma does not see */
export const shapeOf = ({ name, unique, definition }: CatalogIndex): IndexShape | undefined => {
  const [, method, keys, included] = SEEN.exec(definition) ?? []
  if (method === undefined || keys === undefined) return undefined
  // To Prisma, an included column is one of the key.
  const columns = [...keys.split(', '), ...(included?.split(', ') ?? [])].map((part) => COLUMN.exec(part))
  if (columns.includes(null)) return undefined
  return {
    name,
    unique,
    method,
    columns: columns.map((column) => ({
      name: column?.[1] ?? column?.[2] ?? '',
      operatorClass: method === 'btree' ? undefined : column?.[3],
      descending: column?.[4] !== undefined,
    })),
  }
}

// Prisma does not compare NULLS NOT DISTINCT, collations and the place of NULL.
const SEEN = /^(\w+) \(([^()]*)\)(?: INCLUDE \(([^()]*)\))?(?: NULLS NOT DISTINCT)?$/
const COLUMN = /^(?:"([^"]+)"|(\w+))(?: COLLATE \S+)?(?: (?:\w+\.)?(\w+_ops))?( DESC)?(?: NULLS (?:FIRST|LAST))?$/

/** Partial, or on an expression: Prisma does not see it, and leaves it alone. */
export const isUnseen = ({ definition }: CatalogIndex): boolean =>
  definition.includes(' WHERE ') || /^\w+ \([^()]*\(/.test(definition)

/** What the ORM would create for a declaration. */
export const shapeDeclared = ({ kind, fields, map, method }: ModelIndex, model: Model): IndexShape => {
  const columns = fields.map(({ name, descending }) => ({
    name: columnOf(name, model),
    operatorClass: undefined,
    descending,
  }))
  return {
    name: map ?? defaultName(model.table, columns, kind === 'unique'),
    unique: kind === 'unique',
    method,
    columns,
  }
}

export const sameShape = (one: IndexShape, other: IndexShape): boolean =>
  one.unique === other.unique && one.method === other.method && columnList(one) === columnList(other)

const columnList = ({ columns }: IndexShape): string =>
  JSON.stringify(columns.map(({ name, descending }) => [name, descending]))

/** The line that declares the index: `@@index([guestUsername, createdAt(sort: Desc)])`. */
export const blockLine = (index: IndexShape, model: Model): string => {
  const fields = index.columns.map(({ name, operatorClass, descending }) => {
    const options = [
      ...(operatorClass === undefined ? [] : [`ops: ${operatorClassInPrisma(operatorClass)}`]),
      ...(descending ? ['sort: Desc'] : []),
    ]
    return `${fieldOf(name, model)}${options.length === 0 ? '' : `(${options.join(', ')})`}`
  })
  const parts = [
    `[${fields.join(', ')}]`,
    ...mapArgument(index, model),
    ...(index.method === 'btree' ? [] : [`type: ${index.method.charAt(0).toUpperCase()}${index.method.slice(1)}`]),
  ]
  return `@@${index.unique ? 'unique' : 'index'}(${parts.join(', ')})`
}

// Prisma has words of its own for those of PostgreSQL.
const operatorClassInPrisma = (name: string): string =>
  /_(?:minmax|minmax_multi|bloom|inclusion)_ops$|^jsonb_path_ops$/.test(name)
    ? name
        .replace('minmax', 'min_max')
        .replaceAll(/(?:^|_)(\w)([^_]*)/g, (_all, first: string, rest: string) => `${first.toUpperCase()}${rest}`)
    : `raw("${name}")`

/** The name, where it is not the one that Prisma gives: `map: "Client_createdAt_brin"`. */
export const mapArgument = ({ name, columns, unique }: IndexShape, { table }: Model): readonly string[] =>
  name === defaultName(table, columns, unique) ? [] : [`map: ${JSON.stringify(name)}`]

const defaultName = (table: string, columns: IndexShape['columns'], unique: boolean): string =>
  constraintName([table, ...columns.map(({ name }) => name)], unique ? '_key' : '_idx')

const LONGEST_NAME = 63

/** The name that Prisma gives an object without `map`; only what precedes the suffix is cut. */
export const constraintName = (parts: readonly string[], suffix: string): string =>
  `${parts.join('_').slice(0, LONGEST_NAME - suffix.length)}${suffix}`

export const columnOf = (field: string, { fields }: Model): string =>
  fields.find(({ name }) => name === field)?.column ?? field

/** The field of the column; for a column without one, the name that is advised for it. */
export const fieldOf = (column: string, model: Model): string =>
  model.fields.find((field) => field.column === column)?.name ?? freeName(nameInPrisma(column), model)

// A name of Prisma starts with a letter and has no other characters than these.
const nameInPrisma = (column: string): string => column.replaceAll(/\W/g, '_').replace(/^[\d_]+/, '') || 'column'

/** The name, followed by as many `_` as make it differ from those of the fields. */
export const freeName = (wanted: string, model: Model): string =>
  model.fieldNames.includes(wanted) ? freeName(`${wanted}_`, model) : wanted
