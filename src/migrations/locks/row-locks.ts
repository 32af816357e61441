import type { Node } from '@pgsql/types'
import type { TableLock } from './lock-modes.js'
import { relationName, type NamedRelation } from './relation-name.js'

const CHANGES = ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']

/**
 * Table locks of a statement on rows: ROW EXCLUSIVE for tables it changes, ROW SHARE for tables whose rows it locks, ACCESS
 * SHARE for tables it reads. Triggers and foreign keys can add more of these modes; none of them blocks readers or writers.
 */
export const rowLocks = (node: Node): readonly TableLock[] => {
  const locks: TableLock[] = []
  const names = new Set<string>()
  visit(node, (key, value) => {
    if (isRange(value)) {
      locks.push({ table: relationName(value), mode: 'ACCESS SHARE' })
      return
    }
    if (isQueryName(key, value)) names.add(value.ctename)
    if (CHANGES.includes(key) && 'relation' in value && isRange(value.relation))
      locks.push({ table: relationName(value.relation), mode: 'ROW EXCLUSIVE' })
    if (key === 'SelectStmt' && 'lockingClause' in value)
      for (const table of tablesIn(value)) locks.push({ table, mode: 'ROW SHARE' })
  })
  return locks.filter(({ table }) => !names.has(table))
}

/** Names of all tables below a node, without the names of WITH queries. */
export const tablesIn = (node: object): readonly string[] => {
  const tables = new Set<string>()
  const names = new Set<string>()
  visit(node, (key, value) => {
    if (isRange(value)) tables.add(relationName(value))
    else if (isQueryName(key, value)) names.add(value.ctename)
  })
  return [...tables].filter((name) => !names.has(name))
}

/**
 * Calls back for everything below a node, in the order of the text, as far as the parser keeps it. Walks the syntax tree as
 * plain JSON, because tables can appear at any depth, and without recursion, because an expression can be very deep.
 */
const visit = (root: object, onEntry: (key: string, value: object) => void): void => {
  const waiting: (readonly [string, object])[] = []
  const wait = (node: object): void => {
    for (const [key, value] of Object.entries(node).toReversed())
      if (typeof value === 'object' && value !== null) waiting.push([key, value])
  }
  wait(root)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [key, value] = next
    onEntry(key, value)
    // A range names one table; a constant, none.
    if (!isRange(value) && key !== 'A_Const') wait(value)
  }
}

const isQueryName = (key: string, value: object): value is { readonly ctename: string } =>
  key === 'CommonTableExpr' && 'ctename' in value && typeof value.ctename === 'string'

const isRange = (value: unknown): value is NamedRelation =>
  typeof value === 'object' && value !== null && 'relname' in value && typeof value.relname === 'string'
