import type { CatalogIndex } from '../../database/catalog.js'
import { escapeIdentifier } from '../../database/identifier.js'
import { EFFECTS } from '../../migrations/ledger/effects.js'
import { commandLine, finding, type Finding } from '../finding.js'
import type { Comparison } from './comparison.js'
import type { ModelCode } from './explanations.js'
import type { Model, ModelIndex } from './model.js'

/** An index as a model can declare it. */
interface NamedIndex {
  readonly name: string
  readonly unique: boolean
  readonly method: string
  readonly columns: readonly { readonly name: string; readonly descending: boolean }[]
}

/**
 * Indexes that only one side has. Partial indexes and those on expressions are left out: Prisma does not see them, and leaves
 * them alone.
 */
export const indexFindings = ({ model, facts }: Comparison): readonly Finding<ModelCode>[] => {
  const found = facts.catalog.indexes
    .filter(({ table, valid }) => table === model.table && valid)
    .flatMap((index) => readIndex(index) ?? [])
    .filter((index) => !isOfField(index))
  const declared = model.indexes.map((index) => ({ index, name: nameOf(index, model) }))
  return [
    ...found.filter(({ name }) => !declared.some((one) => one.name === name)).map((index) => missing(index, model)),
    ...declared
      .filter(({ name }) => !facts.catalog.indexes.some((index) => index.table === model.table && index.name === name))
      .map(({ index, name }) => unknown(index, name, { model, facts })),
  ]
}

const readIndex = ({ name, unique, definition }: CatalogIndex): NamedIndex | undefined => {
  const [, method, list] = /^(\w+) \(([^()]*)\)(?: WITH \([^()]*\))?$/.exec(definition) ?? []
  if (method === undefined || list === undefined) return undefined
  const columns = list.split(', ').map((part) => /^"?([^"]+?)"?( DESC)?(?: NULLS (?:FIRST|LAST))?$/.exec(part))
  if (columns.some((column) => column?.[1] === undefined || /^\w+ \w+_ops$/.test(column[1]))) return undefined
  return {
    name,
    unique,
    method,
    columns: columns.map((column) => ({ name: column?.[1] ?? '', descending: column?.[2] !== undefined })),
  }
}

// @id and @unique stand at the field, and have checks of their own.
const isOfField = ({ unique, columns }: NamedIndex): boolean => unique && columns.length === 1

const columnOf = (field: string, { fields }: Model): string =>
  fields.find(({ name }) => name === field)?.column ?? field

/** The name that Prisma gives an index without `map`. */
const defaultName = (table: string, columns: readonly string[], kind: ModelIndex['kind']): string =>
  `${table}_${columns.join('_')}_${kind === 'unique' ? 'key' : 'idx'}`

const nameOf = ({ map, fields, kind }: ModelIndex, model: Model): string =>
  map ??
  defaultName(
    model.table,
    fields.map((field) => columnOf(field, model)),
    kind,
  )

const missing = (index: NamedIndex, model: Model): Finding<ModelCode> => ({
  ...finding('warning', 'model_index_missing', {
    object: `model ${model.name}, index ${escapeIdentifier(index.name)}`,
    expected: 'declared in the model, because the database has it',
    actual: 'not declared: npx prisma db push would drop the index',
    help: `add to model ${model.name}: ${blockLine(index, model)}`,
  }),
  place: { file: model.source.file, line: model.source.line },
})

/** The line that declares the index: `@@index([guestUsername, createdAt(sort: Desc)])`. */
const blockLine = ({ name, unique, method, columns }: NamedIndex, model: Model): string => {
  const kind = unique ? 'unique' : 'index'
  const fields = columns.map((column) => {
    const field = model.fields.find((one) => one.column === column.name)?.name ?? column.name
    return column.descending ? `${field}(sort: Desc)` : field
  })
  const isDefault =
    name ===
    defaultName(
      model.table,
      columns.map((column) => column.name),
      kind,
    )
  const parts = [
    `[${fields.join(', ')}]`,
    ...(isDefault ? [] : [`map: ${JSON.stringify(name)}`]),
    ...(method === 'btree' ? [] : [`type: ${method.charAt(0).toUpperCase()}${method.slice(1)}`]),
  ]
  return `@@${kind}(${parts.join(', ')})`
}

const isOurs = (name: string): boolean =>
  EFFECTS.some(({ effect }) => effect.kind === 'index' && effect.index.name === name)

const unknown = (
  { source: { file, line } }: ModelIndex,
  name: string,
  { model, facts }: Pick<Comparison, 'model' | 'facts'>,
): Finding<ModelCode> => ({
  ...finding('note', 'model_index_unknown', {
    object: `model ${model.name}, index ${escapeIdentifier(name)}`,
    expected: 'in the database, because the model declares it',
    actual: 'missing: npx prisma db push would build it, and block writes meanwhile',
    help: isOurs(name)
      ? commandLine('migrate', facts)
      : `remove ${file}:${line}, or build the index first with CREATE INDEX CONCURRENTLY`,
  }),
  place: { file, line },
})
