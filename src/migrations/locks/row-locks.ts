import type { Node } from '@pgsql/types'
import type { TableLock } from './lock-modes.js'

const CHANGES = ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']

/**
 * Table locks of a statement that reads or changes rows: ROW EXCLUSIVE where it changes them, ROW SHARE where it locks
 * them, ACCESS SHARE where it reads. Triggers and foreign keys may add others of these kinds; none of them stops anybody.
 */
export const rowLocks = (node: Node): readonly TableLock[] => {
  const names = new Set(commonTables(node))
  return locksBelow(node).filter(({ table }) => !names.has(table))
}

/** Names of all tables below a node, those of WITH left out. */
export const tablesIn = (node: unknown): readonly string[] => {
  const names = new Set(commonTables(node))
  return [...new Set(rangeNames(node))].filter((name) => !names.has(name))
}

// A syntax tree is read as plain JSON: what is looked for may be at any depth.
const entriesOf = (node: unknown): readonly (readonly [string, unknown])[] =>
  typeof node === 'object' && node !== null ? Object.entries(node) : []

const locksBelow = (node: unknown): readonly TableLock[] =>
  entriesOf(node).flatMap(([key, value]): readonly TableLock[] => {
    if (isRange(value)) return [{ table: value.relname, mode: 'ACCESS SHARE' }]
    const below = locksBelow(value)
    const target = CHANGES.includes(key) ? entriesOf(value).find(([name]) => name === 'relation')?.[1] : undefined
    if (isRange(target)) return [{ table: target.relname, mode: 'ROW EXCLUSIVE' }, ...below]
    const locksRows = key === 'SelectStmt' && entriesOf(value).some(([name]) => name === 'lockingClause')
    return locksRows ? [...below, ...tablesIn(value).map((table) => ({ table, mode: 'ROW SHARE' as const }))] : below
  })

const rangeNames = (node: unknown): readonly string[] =>
  entriesOf(node).flatMap(([, value]) => (isRange(value) ? [value.relname] : rangeNames(value)))

const commonTables = (node: unknown): readonly string[] =>
  entriesOf(node).flatMap(([key, value]) => {
    const name = key === 'CommonTableExpr' ? entriesOf(value).find(([field]) => field === 'ctename')?.[1] : undefined
    return [...(typeof name === 'string' ? [name] : []), ...commonTables(value)]
  })

const isRange = (node: unknown): node is { readonly relname: string } =>
  entriesOf(node).some(([key, value]) => key === 'relname' && typeof value === 'string')
