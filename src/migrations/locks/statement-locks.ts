import type { AlterTableStmt, CommentStmt, CreateStmt, IndexStmt, LockStmt, Node, RenameStmt } from '@pgsql/types'
import { attachedIndexes } from './alter-table.js'
import { alterTableEffect } from './alter-table-locks.js'
import { dropEffect } from './drop-locks.js'
import { blockedBy, LOCK_MODES, strongestLocks, UNKNOWN_BLOCKS } from './lock-modes.js'
import { relationName } from './relation-name.js'
import { rowLocks, tablesIn } from './row-locks.js'
import type { KnownObjects, StatementEffect } from './statement-effect.js'
import { namesOf, NOTHING, onTable, onTables, type Effect } from './table-effect.js'

/** Derives locks and work of a statement from its syntax tree. An unknown kind is reported as unknown. */
export const statementEffect = (node: Node, known: KnownObjects): StatementEffect => {
  const effect = effectOf(node, known)
  if (effect === undefined) return UNKNOWN
  const locks = strongestLocks(effect.locks)
  return { waitsForOldTransactions: false, blocks: blockedBy(locks), ...effect, locks }
}

const UNKNOWN: StatementEffect = {
  locks: [],
  blocks: UNKNOWN_BLOCKS,
  work: { kind: 'unknown' },
  waitsForOldTransactions: false,
}

const effectOf = (node: Node, known: KnownObjects): Effect | undefined => {
  if ('AlterTableStmt' in node) {
    const { objtype } = node.AlterTableStmt
    if (objtype === 'OBJECT_INDEX') return attachEffect(node.AlterTableStmt)
    return objtype === 'OBJECT_SEQUENCE' ? NOTHING : alterTableEffect(node.AlterTableStmt, known)
  }
  if ('IndexStmt' in node) return indexEffect(node.IndexStmt)
  if ('DropStmt' in node) return dropEffect(node.DropStmt, known)
  if ('CommentStmt' in node) return commentEffect(node.CommentStmt)
  if ('CreateTrigStmt' in node) return onTable(relationName(node.CreateTrigStmt.relation), 'SHARE ROW EXCLUSIVE')
  if ('CreateStmt' in node) return createTableEffect(node.CreateStmt)
  if ('RenameStmt' in node) return renameEffect(node.RenameStmt)
  if ('LockStmt' in node) return lockEffect(node.LockStmt)
  if ('TruncateStmt' in node) return onTables(tablesIn(node.TruncateStmt), 'ACCESS EXCLUSIVE')
  if ('ViewStmt' in node) return onTables(tablesIn(node.ViewStmt.query ?? {}), 'ACCESS SHARE')
  if (
    'InsertStmt' in node ||
    'UpdateStmt' in node ||
    'DeleteStmt' in node ||
    'MergeStmt' in node ||
    'SelectStmt' in node
  ) {
    const locks = rowLocks(node)
    return { locks, work: { kind: 'rows', tables: [...new Set(locks.map(({ table }) => table))] } }
  }
  return LOCKS_NO_TABLE.some((kind) => kind in node) ? NOTHING : undefined
}

// Their locks do not block readers or writers of any table.
const LOCKS_NO_TABLE = [
  'AlterFunctionStmt',
  'AlterOwnerStmt',
  'CompositeTypeStmt',
  'CreateEnumStmt',
  'CreateFunctionStmt',
  'CreateSchemaStmt',
  'CreateSeqStmt',
  'GrantStmt',
  'VariableSetStmt',
  'VariableShowStmt',
]

const indexEffect = ({
  relation,
  idxname = '',
  accessMethod = 'btree',
  whereClause,
  concurrent,
}: IndexStmt): Effect | undefined => {
  const table = relationName(relation)
  if (table === undefined) return undefined
  // ON ONLY a partitioned table reads no rows.
  if (relation?.inh !== true) return onTable(table, 'SHARE')
  return {
    locks: [{ table, mode: concurrent === true ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE' }],
    work: { kind: 'index', table, name: idxname, method: accessMethod, partial: whereClause !== undefined },
    waitsForOldTransactions: concurrent === true,
  }
}

// Planning a query of the partition opens its indexes.
const attachEffect = (alter: AlterTableStmt): Effect | undefined => {
  const [index] = attachedIndexes(alter)
  return onTable(index, 'ACCESS EXCLUSIVE')
}

const commentEffect = ({ objtype, object }: CommentStmt): Effect | undefined => {
  const parts = object === undefined ? [] : namesOf(object)
  if (objtype === 'OBJECT_TABLE') return onTable(parts.at(-1), 'SHARE UPDATE EXCLUSIVE')
  if (objtype === 'OBJECT_FUNCTION' || objtype === 'OBJECT_TYPE') return NOTHING
  const isOfTable = objtype === 'OBJECT_COLUMN' || objtype === 'OBJECT_TRIGGER' || objtype === 'OBJECT_TABCONSTRAINT'
  return isOfTable ? onTable(parts.at(-2), 'SHARE UPDATE EXCLUSIVE') : undefined
}

// A foreign key creates triggers on the table that it references.
const createTableEffect = ({ tableElts = [] }: CreateStmt): Effect => {
  const constraints = tableElts.flatMap((element) =>
    'ColumnDef' in element ? (element.ColumnDef.constraints ?? []) : [element],
  )
  const referenced = constraints.flatMap((node) =>
    'Constraint' in node ? (relationName(node.Constraint.pktable) ?? []) : [],
  )
  return onTables(referenced, 'SHARE ROW EXCLUSIVE')
}

const renameEffect = ({ renameType, relation }: RenameStmt): Effect | undefined => {
  if (renameType === 'OBJECT_INDEX') return NOTHING
  return renameType === 'OBJECT_TABLE' || renameType === 'OBJECT_COLUMN' || renameType === 'OBJECT_TABCONSTRAINT'
    ? onTable(relationName(relation), 'ACCESS EXCLUSIVE')
    : undefined
}

const lockEffect = (lock: LockStmt): Effect =>
  onTables(tablesIn(lock), LOCK_MODES[(lock.mode ?? 8) - 1] ?? 'ACCESS EXCLUSIVE')
