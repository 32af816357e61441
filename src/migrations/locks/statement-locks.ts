import { createHash } from 'node:crypto'
import type { CommentStmt, CreateStmt, DoStmt, DropStmt, IndexStmt, LockStmt, Node, RenameStmt } from '@pgsql/types'
import { alterTableEffect } from './alter-table-locks.js'
import { BLOCK_LOCKS } from './block-locks.js'
import { blockedBy, LOCK_MODES, strongestLocks, type LockMode } from './lock-modes.js'
import { rowLocks, tablesIn } from './row-locks.js'
import type { KnownObjects, StatementEffect, Work } from './statement-effect.js'

type Effect = Pick<StatementEffect, 'locks' | 'work'> & Partial<StatementEffect>

/** Which locks a statement takes, and what it is busy with, by its syntax tree. A kind that is not known is said to be unknown. */
export const statementEffect = (node: Node, known: KnownObjects): StatementEffect => {
  const effect = effectOf(node, known)
  if (effect === undefined) return UNKNOWN
  const locks = strongestLocks(effect.locks)
  return { waitsForOldTransactions: false, blocks: blockedBy(locks), ...effect, locks }
}

const UNKNOWN: StatementEffect = {
  locks: [],
  blocks: 'unknown: assume readers and writers',
  work: { kind: 'unknown' },
  waitsForOldTransactions: false,
}

const CATALOG: Work = { kind: 'catalog' }
const NOTHING: Effect = { locks: [], work: CATALOG }

const effectOf = (node: Node, known: KnownObjects): Effect | undefined => {
  if ('AlterTableStmt' in node) return alterTableEffect(node.AlterTableStmt, known)
  if ('IndexStmt' in node) return indexEffect(node.IndexStmt)
  if ('DropStmt' in node) return dropEffect(node.DropStmt, known)
  if ('CommentStmt' in node) return commentEffect(node.CommentStmt)
  if ('CreateTrigStmt' in node) return onTable(node.CreateTrigStmt.relation?.relname, 'SHARE ROW EXCLUSIVE')
  if ('CreateStmt' in node) return createTableEffect(node.CreateStmt)
  if ('RenameStmt' in node) return renameEffect(node.RenameStmt)
  if ('LockStmt' in node) return lockEffect(node.LockStmt)
  if ('TruncateStmt' in node) return onTables(tablesIn(node.TruncateStmt), 'ACCESS EXCLUSIVE')
  if ('DoStmt' in node) return blockEffect(node.DoStmt)
  if ('ViewStmt' in node) return onTables(tablesIn(node.ViewStmt.query), 'ACCESS SHARE')
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

// What these take, they take of objects that no reader or writer of a table waits for.
const LOCKS_NO_TABLE = [
  'AlterFunctionStmt',
  'CompositeTypeStmt',
  'CreateEnumStmt',
  'CreateFunctionStmt',
  'CreateSchemaStmt',
  'CreateSeqStmt',
  'GrantStmt',
  'VariableSetStmt',
  'VariableShowStmt',
]

const onTable = (table: string | undefined, mode: LockMode): Effect | undefined =>
  table === undefined ? undefined : { locks: [{ table, mode }], work: CATALOG }

const onTables = (tables: readonly string[], mode: LockMode): Effect => ({
  locks: tables.map((table) => ({ table, mode })),
  work: CATALOG,
})

const indexEffect = ({
  relation,
  idxname = '',
  accessMethod = 'btree',
  whereClause,
  concurrent,
}: IndexStmt): Effect | undefined => {
  if (relation?.relname === undefined) return undefined
  const table = relation.relname
  return {
    locks: [{ table, mode: concurrent === true ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE' }],
    work: { kind: 'index', table, name: idxname, method: accessMethod, partial: whereClause !== undefined },
    waitsForOldTransactions: concurrent === true,
  }
}

const dropEffect = (drop: DropStmt, known: KnownObjects): Effect | undefined => {
  const names = (drop.objects ?? []).map(namesOf)
  switch (drop.removeType) {
    case 'OBJECT_TABLE': {
      const tables = names.flatMap((parts) => parts.at(-1) ?? [])
      return onTables(
        tables.filter((table) => known.tables.includes(table)),
        'ACCESS EXCLUSIVE',
      )
    }
    case 'OBJECT_TRIGGER': {
      const triggers = names.map((parts) => ({ table: parts.at(-2) ?? '', name: parts.at(-1) ?? '' }))
      return onTables(
        triggers.filter((trigger) => mayBeThere(trigger, known)).map(({ table }) => table),
        'ACCESS EXCLUSIVE',
      )
    }
    case 'OBJECT_INDEX': {
      const found = known.indexes.filter(({ name }) => names.some((parts) => parts.at(-1) === name))
      const concurrent = drop.concurrent === true
      const tables = found.map(({ table }) => table)
      return {
        ...onTables(tables, concurrent ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE'),
        waitsForOldTransactions: concurrent && found.length > 0,
      }
    }
    case 'OBJECT_FUNCTION':
    case 'OBJECT_TYPE':
      return NOTHING
    default:
      return undefined
  }
}

// The catalog knows only triggers of ours.
const mayBeThere = (trigger: { readonly table: string; readonly name: string }, { triggers }: KnownObjects): boolean =>
  !trigger.name.startsWith('chatkeep_') ||
  triggers.some(({ table, name }) => table === trigger.table && name === trigger.name)

const namesOf = (object: Node): readonly string[] => {
  if (!('List' in object)) return []
  return (object.List.items ?? []).flatMap((item) => ('String' in item ? (item.String.sval ?? []) : []))
}

const commentEffect = ({ objtype, object }: CommentStmt): Effect | undefined => {
  const parts = object === undefined ? [] : namesOf(object)
  if (objtype === 'OBJECT_TABLE') return onTable(parts.at(-1), 'SHARE UPDATE EXCLUSIVE')
  if (objtype === 'OBJECT_FUNCTION' || objtype === 'OBJECT_TYPE') return NOTHING
  const isOfTable = objtype === 'OBJECT_COLUMN' || objtype === 'OBJECT_TRIGGER' || objtype === 'OBJECT_TABCONSTRAINT'
  return isOfTable ? onTable(parts.at(-2), 'SHARE UPDATE EXCLUSIVE') : undefined
}

// A foreign key puts triggers on the table that it refers to.
const createTableEffect = ({ tableElts = [] }: CreateStmt): Effect => {
  const constraints = tableElts.flatMap((element) =>
    'ColumnDef' in element ? (element.ColumnDef.constraints ?? []) : [element],
  )
  const referenced = constraints.flatMap((node) =>
    'Constraint' in node ? (node.Constraint.pktable?.relname ?? []) : [],
  )
  return onTables(referenced, 'SHARE ROW EXCLUSIVE')
}

const renameEffect = ({ renameType, relation }: RenameStmt): Effect | undefined => {
  if (renameType === 'OBJECT_INDEX') return NOTHING
  return renameType === 'OBJECT_TABLE' || renameType === 'OBJECT_COLUMN' || renameType === 'OBJECT_TABCONSTRAINT'
    ? onTable(relation?.relname, 'ACCESS EXCLUSIVE')
    : undefined
}

const lockEffect = (lock: LockStmt): Effect =>
  onTables(tablesIn(lock), LOCK_MODES[(lock.mode ?? 8) - 1] ?? 'ACCESS EXCLUSIVE')

// What a block does is known only when it runs; of ours it was seen.
const blockEffect = ({ args = [] }: DoStmt): Effect | undefined => {
  const body = args.flatMap((node) =>
    'DefElem' in node && node.DefElem.arg !== undefined && 'String' in node.DefElem.arg
      ? node.DefElem.arg.String.sval
      : [],
  )[0]
  const locks = BLOCK_LOCKS.get(
    createHash('md5')
      .update(body ?? '')
      .digest('hex'),
  )
  return locks === undefined ? undefined : { locks, work: CATALOG }
}
