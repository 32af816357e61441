import type { Catalog, CatalogColumn, CatalogIndex } from '../database/catalog.js'

/** A column that the core needs. */
export interface RequiredColumn {
  readonly table: string
  readonly column: string
  /** Accepted types, without modifiers: an application may use `varchar` or `bigint`. */
  readonly types: readonly string[]
  readonly nullable: boolean
}

/** An index that the core needs, with its exact definition but for storage parameters. */
export interface RequiredIndex {
  readonly table: string
  readonly name: string
  readonly unique: boolean
  /** As `pg_get_indexdef` writes it, starting with the method. */
  readonly definition: string
}

const TEXT = ['text', 'character varying']
const ID = ['integer', 'bigint', 'smallint']
const INSTANT = ['timestamp without time zone']

const required = (table: string, column: string, types: readonly string[]): RequiredColumn => ({
  table,
  column,
  types,
  nullable: false,
})
const nullable = (table: string, column: string, types: readonly string[]): RequiredColumn => ({
  table,
  column,
  types,
  nullable: true,
})

/** The application's tables that the core reads and writes. */
export const CHAT_TABLES: readonly string[] = ['User', 'Client', 'ChatMessage']

/** Columns of the application's tables before the guest-chat update, which changes `clientId`. */
export const BASE_COLUMNS: readonly RequiredColumn[] = [
  required('User', 'id', ID),
  required('User', 'username', TEXT),
  required('Client', 'id', ID),
  required('Client', 'createdAt', INSTANT),
  required('Client', 'updatedAt', INSTANT),
  required('Client', 'username', TEXT),
  nullable('Client', 'phone', TEXT),
  required('ChatMessage', 'id', ID),
  required('ChatMessage', 'createdAt', INSTANT),
  nullable('ChatMessage', 'clientSocketId', TEXT),
  required('ChatMessage', 'senderType', ['"MessageSenderType"']),
  nullable('ChatMessage', 'operatorId', ID),
  required('ChatMessage', 'messageType', ['"MessageType"']),
  nullable('ChatMessage', 'text', TEXT),
  nullable('ChatMessage', 'imageUrl', TEXT),
  nullable('ChatMessage', 'imageName', TEXT),
  nullable('ChatMessage', 'mimeType', TEXT),
  required('ChatMessage', 'isRead', ['boolean']),
  nullable('ChatMessage', 'readAt', INSTANT),
  nullable('ChatMessage', 'sessionId', TEXT),
]

/** The client of a message: NOT NULL before the guest-chat update, nullable after it. */
export const CLIENT_ID: RequiredColumn = nullable('ChatMessage', 'clientId', ID)

/** Marks messages written under the name of a registered client, without proof of identity. */
export const GUEST_UNVERIFIED: RequiredColumn = required('ChatMessage', 'guestUnverified', ['boolean'])

/** Enum labels that the core writes. An application may have more. */
export const REQUIRED_ENUM_LABELS: readonly (readonly [string, readonly string[]])[] = [
  ['MessageSenderType', ['CLIENT', 'OPERATOR']],
  ['MessageType', ['TEXT', 'IMAGE']],
]

/** Columns that need a unique index of their own, whatever its name: look-ups, paging and ON CONFLICT depend on it. */
export const UNIQUE_COLUMNS: readonly (readonly [string, string])[] = [
  ['ChatMessage', 'id'],
  ['Client', 'id'],
  ['Client', 'username'],
  ['Client', 'phone'],
]

/** A difference between what is needed and what exists. */
export interface Difference {
  readonly object: string
  readonly expected: string
  readonly actual: string
}

export const findColumn = (
  { columns }: Pick<Catalog, 'columns'>,
  table: string,
  column: string,
): CatalogColumn | undefined => columns.find((candidate) => candidate.table === table && candidate.column === column)

export const findIndex = ({ indexes }: Catalog, name: string): CatalogIndex | undefined =>
  indexes.find((candidate) => candidate.name === name)

/** `"table"."column"`, for messages. */
export const columnName = ({ table, column }: { readonly table: string; readonly column: string }): string =>
  `"${table}"."${column}"`

/** The type without its modifiers: `timestamp(3) without time zone` is a `timestamp without time zone`. */
export const plainType = (type: string): string => type.replace(/\(\d+(,\d+)?\)/, '')

// Making one takes 6 ms, which nobody should pay who imports the library.
const anyOf = (words: readonly string[]): string => new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(words)

/** What is wrong with a column, or undefined. */
export const columnDifference = (catalog: Catalog, wanted: RequiredColumn): Difference | undefined => {
  const object = columnName(wanted)
  const expected = `${anyOf(wanted.types)}, ${nullability(wanted.nullable)}`
  const actual = findColumn(catalog, wanted.table, wanted.column)
  if (actual === undefined) return { object, expected, actual: 'missing' }
  if (wanted.types.includes(plainType(actual.type)) && actual.nullable === wanted.nullable) return undefined
  return { object, expected, actual: `${actual.type}, ${nullability(actual.nullable)}` }
}

const nullability = (isNullable: boolean): string => (isNullable ? 'nullable' : 'NOT NULL')

/** The state of a needed index: `conflict` means that another object has its name. */
export type IndexState = 'missing' | 'ready' | 'invalid' | 'conflict'

export const indexState = (catalog: Catalog, wanted: RequiredIndex): IndexState => {
  const actual = findIndex(catalog, wanted.name)
  if (actual === undefined) return 'missing'
  const same =
    actual.table === wanted.table &&
    actual.unique === isUniqueHere(catalog, wanted) &&
    actual.definition === wanted.definition &&
    actual.deferrable === null
  if (!same) return 'conflict'
  return actual.valid ? 'ready' : 'invalid'
}

/**
 * Whether an index has to be unique. One of a partitioned table would have to contain the partition key; there, a table of
 * chatkeep's own keeps keys unique.
 */
const isUniqueHere = ({ partitioned }: Pick<Catalog, 'partitioned'>, { table, unique }: RequiredIndex): boolean =>
  unique && !partitioned.includes(table)

/** An index as its definition, for messages. */
export const describeIndex = (index: RequiredIndex | CatalogIndex): string => {
  const { table, unique, definition } = index
  const deferrable = 'deferrable' in index && index.deferrable !== null ? ' DEFERRABLE' : ''
  return `${unique ? 'unique ' : ''}index on "${table}" ${definition}${deferrable}`
}

/** Whether a column has a valid unique index of its own, without predicate. */
export const isUnique = ({ indexes }: Catalog, table: string, column: string): boolean =>
  indexes.some(
    (index) =>
      index.table === table &&
      index.unique &&
      index.valid &&
      [`btree (${column})`, `btree ("${column}")`].includes(index.definition),
  )

/** Whether a partitioned table has a valid unique index that begins with the column; it has to contain the partition key, too. */
export const isUniqueWithTime = (
  { indexes, partitioned }: Pick<Catalog, 'indexes' | 'partitioned'>,
  table: string,
  column: string,
): boolean =>
  partitioned.includes(table) &&
  indexes.some(
    (index) =>
      index.table === table &&
      index.unique &&
      index.valid &&
      [`btree (${column}, `, `btree ("${column}", `].some((start) => index.definition.startsWith(start)),
  )

/** The columns that the core fills when it saves a message or creates a client for a guest. Ids come from their defaults. */
export const FILLED_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  ChatMessage: [
    'createdAt',
    'clientId',
    'guestUsername',
    'guestPhone',
    'clientSocketId',
    'senderType',
    'operatorId',
    'messageType',
    'text',
    'imageUrl',
    'imageName',
    'mimeType',
    'sessionId',
    'idempotencyKey',
    'guestUnverified',
  ],
  Client: ['username', 'phone', 'createdAt', 'updatedAt'],
}

/** Other columns of these tables that are NOT NULL without default: they keep rows of the core out. */
export const unfilledColumns = ({ columns }: Pick<Catalog, 'columns'>): readonly CatalogColumn[] =>
  columns.filter(
    ({ table, nullable, optional, column }) =>
      !nullable && !optional && FILLED_COLUMNS[table]?.includes(column) === false,
  )

/** Constraints of "Client" that are not checked at once: ON CONFLICT, which creates a client for a guest, fails with them. */
export const deferrableOfClient = ({ indexes }: Pick<Catalog, 'indexes'>): readonly CatalogIndex[] =>
  indexes.filter(({ table, deferrable }) => table === 'Client' && deferrable !== null)

/** Why no client can be created for a guest, as far as the catalog tells. */
export const clientBarriers = (catalog: Catalog): readonly string[] => [
  ...unfilledColumns(catalog)
    .filter(({ table }) => table === 'Client')
    .map(({ column }) => `"Client"."${column}" is NOT NULL and has no default`),
  ...deferrableOfClient(catalog).map(({ name }) => `constraint "${name}" on "Client" is DEFERRABLE`),
]
