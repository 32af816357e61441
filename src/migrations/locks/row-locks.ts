import type { Node } from '@pgsql/types'
import type { TableLock } from './lock-modes.js'
import { relationName, type NamedRelation } from './relation-name.js'

const CHANGES = ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']

/**
 * Table locks of a statement on rows: ROW EXCLUSIVE for tables it changes, ROW SHARE for tables whose rows it locks, ACCESS
 * SHARE for tables it reads. Triggers and foreign keys can add more of these modes; none of them blocks readers or writers.
 */
export const rowLocks = (node: Node): readonly TableLock[] => {
  const names = new Set(withNames(node))
  return locksBelow(node).filter(({ table }) => !names.has(table))
}

/** Names of all tables below a node, without the names of WITH queries. */
export const tablesIn = (node: unknown): readonly string[] => {
  const names = new Set(withNames(node))
  return [...new Set(rangeNames(node))].filter((name) => !names.has(name))
}

// Walks the syntax tree as plain JSON, because tables can appear at any depth.
const entriesOf = (node: unknown): readonly (readonly [string, unknown])[] =>
  typeof node === 'object' && node !== null ? Object.entries(node) : []

const locksBelow = (node: unknown): readonly TableLock[] =>
  entriesOf(node).flatMap(([key, value]): readonly TableLock[] => {
    if (isRange(value)) return [{ table: relationName(value), mode: 'ACCESS SHARE' }]
    const below = locksBelow(value)
    const target = CHANGES.includes(key) ? entriesOf(value).find(([name]) => name === 'relation')?.[1] : undefined
    if (isRange(target)) return [{ table: relationName(target), mode: 'ROW EXCLUSIVE' }, ...below]
    const locksRows = key === 'SelectStmt' && entriesOf(value).some(([name]) => name === 'lockingClause')
    return locksRows ? [...below, ...tablesIn(value).map((table) => ({ table, mode: 'ROW SHARE' as const }))] : below
  })

const rangeNames = (node: unknown): readonly string[] =>
  entriesOf(node).flatMap(([, value]) => (isRange(value) ? [relationName(value)] : rangeNames(value)))

const withNames = (node: unknown): readonly string[] =>
  entriesOf(node).flatMap(([key, value]) => {
    const name = key === 'CommonTableExpr' ? entriesOf(value).find(([field]) => field === 'ctename')?.[1] : undefined
    return [...(typeof name === 'string' ? [name] : []), ...withNames(value)]
  })

const isRange = (node: unknown): node is NamedRelation =>
  entriesOf(node).some(([key, value]) => key === 'relname' && typeof value === 'string')
