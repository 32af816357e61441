import type { Catalog, CatalogColumn, CatalogIndex } from '../database/catalog.js'

/** A column that the core relies on. */
export interface RequiredColumn {
  readonly table: string
  readonly column: string
  /** Names of types that will do, without modifiers: an application may have chosen `varchar` or `bigint`. */
  readonly types: readonly string[]
  readonly nullable: boolean
}

/** An index that the core relies on, by its exact definition. */
export interface RequiredIndex {
  readonly table: string
  readonly name: string
  readonly unique: boolean
  /** As `pg_get_indexdef` writes it, from the method on. */
  readonly definition: string
}

const TEXT = ['text', 'character varying']
const ID = ['integer', 'bigint']
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

/** What the application's tables must have before the guest-chat update. `clientId` is left to that update. */
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

/** Where the owner of a message stands: NOT NULL before the guest-chat update, nullable after it. */
export const CLIENT_ID: RequiredColumn = nullable('ChatMessage', 'clientId', ID)

/** Marks what was written under the name of a client who was there before, without proof. */
export const GUEST_UNVERIFIED: RequiredColumn = required('ChatMessage', 'guestUnverified', ['boolean'])

/** Tables of chatkeep's own that the core reads and writes beside the application's. */
export const OWN_TABLES: readonly string[] = ['chatkeep_guest_clients', 'chatkeep_chats']

/** What these tables have: clients that were made of guests, and which chat was active when, to ten seconds. */
export const OWN_COLUMNS: readonly RequiredColumn[] = [
  required('chatkeep_guest_clients', 'clientId', ['bigint']),
  required('chatkeep_chats', 'chat', ['text']),
  required('chatkeep_chats', 'period', INSTANT),
]

/** The labels that the core writes. An application may have more. */
export const REQUIRED_ENUM_LABELS: readonly (readonly [string, readonly string[]])[] = [
  ['MessageSenderType', ['CLIENT', 'OPERATOR']],
  ['MessageType', ['TEXT', 'IMAGE']],
]

/** Columns that must be unique by themselves, under whatever index name: the core's look-ups and conflict rules rest on it. */
export const UNIQUE_COLUMNS: readonly (readonly [string, string])[] = [
  ['Client', 'username'],
  ['Client', 'phone'],
]

/** A difference between what is needed and what is there, in the words of both. */
export interface Difference {
  readonly object: string
  readonly expected: string
  readonly actual: string
}

export const findColumn = ({ columns }: Catalog, table: string, column: string): CatalogColumn | undefined =>
  columns.find((candidate) => candidate.table === table && candidate.column === column)

export const findIndex = ({ indexes }: Catalog, name: string): CatalogIndex | undefined =>
  indexes.find((candidate) => candidate.name === name)

/** `"table"."column"`, as people read it. */
export const columnName = ({ table, column }: { readonly table: string; readonly column: string }): string =>
  `"${table}"."${column}"`

/** The type without its modifiers: `timestamp(3) without time zone` is a `timestamp without time zone`. */
export const plainType = (type: string): string => type.replace(/\(\d+(,\d+)?\)/, '')

/** What is wrong with a column, or undefined. */
export const columnDifference = (catalog: Catalog, wanted: RequiredColumn): Difference | undefined => {
  const object = columnName(wanted)
  const expected = `${wanted.types.join(' or ')}, ${nullability(wanted.nullable)}`
  const actual = findColumn(catalog, wanted.table, wanted.column)
  if (actual === undefined) return { object, expected, actual: 'missing' }
  if (wanted.types.includes(plainType(actual.type)) && actual.nullable === wanted.nullable) return undefined
  return { object, expected, actual: `${actual.type}, ${nullability(actual.nullable)}` }
}

const nullability = (isNullable: boolean): string => (isNullable ? 'nullable' : 'NOT NULL')

/** How an index that is needed stands: `conflict` means that its name is taken by something else. */
export type IndexState = 'missing' | 'ready' | 'invalid' | 'conflict'

export const indexState = (catalog: Catalog, wanted: RequiredIndex): IndexState => {
  const actual = findIndex(catalog, wanted.name)
  if (actual === undefined) return 'missing'
  const same =
    actual.table === wanted.table && actual.unique === wanted.unique && actual.definition === wanted.definition
  if (!same) return 'conflict'
  return actual.valid ? 'ready' : 'invalid'
}

/** An index in the words of its definition. */
export const describeIndex = ({ table, unique, definition }: RequiredIndex | CatalogIndex): string =>
  `${unique ? 'unique ' : ''}index on "${table}" ${definition}`

/** Whether a column is unique by itself, by a valid index without predicate. */
export const isUnique = ({ indexes }: Catalog, table: string, column: string): boolean =>
  indexes.some(
    (index) =>
      index.table === table &&
      index.unique &&
      index.valid &&
      [`btree (${column})`, `btree ("${column}")`].includes(index.definition),
  )

/** Columns of "Client" that the core fills when it makes a client of a guest. */
const FILLED_CLIENT_COLUMNS: readonly string[] = ['username', 'phone', 'createdAt', 'updatedAt']

/** Columns of "Client" that are NOT NULL without default and unknown to us: with them no client can be made of a guest. */
export const blockingClientColumns = ({ columns }: Catalog): readonly string[] =>
  columns
    .filter(({ table, nullable, optional, column }) => {
      return table === 'Client' && !nullable && !optional && !FILLED_CLIENT_COLUMNS.includes(column)
    })
    .map(({ column }) => column)
