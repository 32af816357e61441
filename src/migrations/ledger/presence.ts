import type { Catalog } from '../../database/catalog.js'
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
} from '../../persistence/shape.js'
import type { Effect } from './effects.js'

/** How much of a migration's effect is in the database. */
export type Presence =
  | { readonly state: 'absent' }
  /** Part of it is present; running the migration completes it. */
  | { readonly state: 'partial'; readonly reason: string }
  | { readonly state: 'present' }
  /** An INVALID index with the right definition, which is dropped and rebuilt. */
  | { readonly state: 'invalid'; readonly index: RequiredIndex }
  /** A different object has its name. */
  | { readonly state: 'conflict'; readonly reasons: readonly string[] }

/** Looks one effect up in the catalog. */
export const presenceOf = (effect: Effect, catalog: Catalog): Presence => {
  switch (effect.kind) {
    case 'tables':
      return tablesPresence(catalog)
    case 'columns':
      return columnsPresence(effect.columns, catalog)
    case 'index':
      return indexPresence(effect.index, catalog)
  }
}

const tablesPresence = (catalog: Catalog): Presence => {
  const found = CHAT_TABLES.filter((table) => catalog.tables.includes(table))
  if (found.length === 0) return { state: 'absent' }
  const missing = CHAT_TABLES.filter((table) => !found.includes(table)).map((table) => `table "${table}" is missing`)
  const reasons = [...missing, ...differencesIn(BASE_COLUMNS, found, catalog)]
  return reasons.length === 0 ? { state: 'present' } : { state: 'conflict', reasons }
}

const differencesIn = (
  columns: readonly RequiredColumn[],
  tables: readonly string[],
  catalog: Catalog,
): readonly string[] =>
  columns
    .filter(({ table }) => tables.includes(table))
    .flatMap((column) => {
      const difference = columnDifference(catalog, column)
      if (difference === undefined) return []
      return [`${difference.object} must be ${difference.expected}, but is ${difference.actual}`]
    })

const columnsPresence = (columns: readonly RequiredColumn[], catalog: Catalog): Presence => {
  const conflicts = columns.flatMap((wanted) => columnConflicts(wanted, catalog))
  if (conflicts.length > 0) return { state: 'conflict', reasons: conflicts }
  const different = columns.filter((wanted) => columnDifference(catalog, wanted) !== undefined)
  if (different.length === 0) return { state: 'present' }
  if (different.length === columns.length) return { state: 'absent' }
  return { state: 'partial', reason: `incomplete: ${different.map(columnName).join(', ')}` }
}

// The migration drops the NOT NULL of "clientId", and no other: run again, it would leave the column as it is. Adding a missing
// one would scan the table, so that is a conflict, too.
const columnConflicts = (wanted: RequiredColumn, catalog: Catalog): readonly string[] => {
  const actual = findColumn(catalog, wanted.table, wanted.column)
  if (actual === undefined) return []
  const words = `${columnName(wanted)} must be ${wanted.types.join(' or ')}`
  if (!wanted.types.includes(plainType(actual.type))) return [`${words}, but is ${actual.type}`]
  if (actual.nullable === wanted.nullable || wanted.column === CLIENT_ID.column) return []
  return [actual.nullable ? `${words}, NOT NULL, but is nullable` : `${words}, nullable, but is NOT NULL`]
}

const indexPresence = (wanted: RequiredIndex, catalog: Catalog): Presence => {
  switch (indexState(catalog, wanted)) {
    case 'missing':
      return { state: 'absent' }
    case 'ready':
      return { state: 'present' }
    case 'invalid':
      return { state: 'invalid', index: wanted }
    case 'conflict':
      return { state: 'conflict', reasons: [indexConflict(wanted, catalog)] }
  }
}

const indexConflict = (wanted: RequiredIndex, catalog: Catalog): string => {
  const actual = findIndex(catalog, wanted.name)
  const is = actual === undefined ? 'something else' : describeIndex(actual)
  return `"${wanted.name}" must be ${describeIndex(wanted)}, but is ${is}`
}
