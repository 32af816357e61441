import type { Catalog } from '../database/catalog.js'
import {
  BASE_COLUMNS,
  CHAT_TABLES,
  CLIENT_ID,
  columnDifference,
  columnName,
  describeIndex,
  findColumn,
  findIndex,
  indexState,
  plainType,
  type RequiredColumn,
  type RequiredIndex,
} from '../persistence/shape.js'

/**
 * What a migration leaves behind, so that a database can be asked whether it is there already:
 * applied by hand, by another tool, half, or not at all.
 */
export type Effect =
  | { readonly kind: 'tables' }
  | { readonly kind: 'columns'; readonly columns: readonly RequiredColumn[] }
  | { readonly kind: 'index'; readonly index: RequiredIndex }

export interface NamedEffect {
  /** Name of the migration, without its number. */
  readonly migration: string
  readonly effect: Effect
}

const text = (column: string): RequiredColumn => ({ table: 'ChatMessage', column, types: ['text'], nullable: true })

const index = (name: string, definition: string, unique = false): Effect => ({
  kind: 'index',
  index: { table: 'ChatMessage', name, unique, definition },
})

/** Add a migration: write its file and its twin in rollback/, and say here what it leaves behind. */
export const EFFECTS: readonly NamedEffect[] = [
  { migration: 'create-chat-tables', effect: { kind: 'tables' } },
  {
    migration: 'allow-guest-messages',
    effect: { kind: 'columns', columns: [CLIENT_ID, text('guestUsername'), text('guestPhone')] },
  },
  {
    migration: 'index-guest-username',
    effect: index('ChatMessage_guestUsername_createdAt_idx', 'btree ("guestUsername", "createdAt" DESC)'),
  },
  {
    migration: 'index-client-socket-id',
    effect: index('ChatMessage_clientSocketId_createdAt_idx', 'btree ("clientSocketId", "createdAt" DESC)'),
  },
  { migration: 'add-idempotency-key', effect: { kind: 'columns', columns: [text('idempotencyKey')] } },
  {
    migration: 'index-idempotency-key',
    effect: index('ChatMessage_idempotencyKey_key', 'btree ("idempotencyKey")', true),
  },
]

/** How far a migration's effect is in the database already. */
export type Presence =
  | { readonly state: 'absent' }
  /** Part of it is there; running the migration completes it. */
  | { readonly state: 'partial'; readonly reason: string }
  | { readonly state: 'present' }
  /** An INVALID index of the right definition: dropped and built again. */
  | { readonly state: 'invalid'; readonly index: RequiredIndex }
  /** Something else has its place. */
  | { readonly state: 'conflict'; readonly reasons: readonly string[] }

/** Asks the catalog about one effect. */
export const presenceOf = (effect: Effect, catalog: Catalog): Presence => {
  if (effect.kind === 'tables') return tablesPresence(catalog)
  if (effect.kind === 'columns') return columnsPresence(effect.columns, catalog)
  return indexPresence(effect.index, catalog)
}

const tablesPresence = (catalog: Catalog): Presence => {
  const found = CHAT_TABLES.filter((table) => catalog.tables.includes(table))
  if (found.length === 0) return { state: 'absent' }
  const missing = CHAT_TABLES.filter((table) => !found.includes(table)).map((table) => `table "${table}" is missing`)
  const differences = BASE_COLUMNS.filter(({ table }) => found.includes(table)).flatMap((column) => {
    const difference = columnDifference(catalog, column)
    if (difference === undefined) return []
    return [`${difference.object} must be ${difference.expected}, but is ${difference.actual}`]
  })
  const reasons = [...missing, ...differences]
  return reasons.length === 0 ? { state: 'present' } : { state: 'conflict', reasons }
}

const columnsPresence = (columns: readonly RequiredColumn[], catalog: Catalog): Presence => {
  const conflicts = columns.flatMap((wanted) => {
    const actual = findColumn(catalog, wanted.table, wanted.column)
    if (actual === undefined || wanted.types.includes(plainType(actual.type))) return []
    return [`${columnName(wanted)} must be ${wanted.types.join(' or ')}, but is ${actual.type}`]
  })
  if (conflicts.length > 0) return { state: 'conflict', reasons: conflicts }
  const different = columns.filter((wanted) => columnDifference(catalog, wanted) !== undefined)
  if (different.length === 0) return { state: 'present' }
  if (different.length === columns.length) return { state: 'absent' }
  return { state: 'partial', reason: `still to do: ${different.map(columnName).join(', ')}` }
}

const indexPresence = (wanted: RequiredIndex, catalog: Catalog): Presence => {
  switch (indexState(catalog, wanted)) {
    case 'missing':
      return { state: 'absent' }
    case 'ready':
      return { state: 'present' }
    case 'invalid':
      return { state: 'invalid', index: wanted }
    case 'conflict': {
      const actual = findIndex(catalog, wanted.name)
      const is = actual === undefined ? 'something else' : describeIndex(actual)
      return { state: 'conflict', reasons: [`"${wanted.name}" must be ${describeIndex(wanted)}, but is ${is}`] }
    }
  }
}
