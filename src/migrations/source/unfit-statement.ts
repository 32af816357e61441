import type { Node, TransactionStmt, VariableSetStmt } from '@pgsql/types'
import type { Statement } from '../ledger/split-statements.js'
import { commandsOf } from '../locks/alter-table.js'

/** Why a statement cannot be used in a file, and what to write instead. */
export interface Unfit {
  readonly why: string
  readonly instead: string
}

/**
 * Decides whether a statement would leave what chatkeep runs it in: the transaction of its file, the session with its settings
 * and its lock. Only statements count: the same words in a string, a comment or the body of a function are text.
 * @param inTransaction whether the file runs in a transaction
 */
export const unfitStatement = ({ node, sql }: Statement, inTransaction: boolean): Unfit | undefined => {
  if ('TransactionStmt' in node) return transactionControl(node.TransactionStmt, inTransaction)
  if (inTransaction && needsNoTransaction(node)) return NEEDS_NO_TRANSACTION
  if ('VariableSetStmt' in node) return settingControl(node.VariableSetStmt)
  if ('DiscardStmt' in node) return node.DiscardStmt.target === 'DISCARD_ALL' ? RESETS_ALL : undefined
  if (readsClient(node)) return READS_CLIENT
  return 'SelectStmt' in node && sql.includes('unlock_all') && callsUnlockAll(node) ? UNLOCKS_ALL : undefined
}

/** COPY … FROM stdin. */
export const readsClient = (node: Node): boolean =>
  'CopyStmt' in node && node.CopyStmt.is_from === true && node.CopyStmt.filename === undefined

/** The first line of a file whose statements run without a transaction around them. */
const OUTSIDE = '-- postgres-migrations disable-transaction'

const transactionControl = ({ kind }: TransactionStmt, inTransaction: boolean): Unfit | undefined => {
  if (inTransaction) return ENDS_TRANSACTION
  // These end a transaction that is none of ours.
  return kind === 'TRANS_STMT_COMMIT_PREPARED' || kind === 'TRANS_STMT_ROLLBACK_PREPARED'
    ? undefined
    : OPENS_TRANSACTION
}

const settingControl = ({ kind, name }: VariableSetStmt): Unfit | undefined => {
  if (kind === 'VAR_RESET_ALL') return RESETS_ALL
  return kind === 'VAR_SET_MULTI' && name?.startsWith('TRANSACTION') === true ? SHAPES_TRANSACTION : undefined
}

const SHAPES_TRANSACTION: Unfit = {
  why: 'its row in the history is written in the same transaction',
  instead: 'remove it',
}

const ENDS_TRANSACTION: Unfit = {
  why: 'it runs in one transaction, which also writes its row in the history',
  instead: 'remove it; what is to be committed by itself belongs in a file of its own',
}

const OPENS_TRANSACTION: Unfit = {
  why: 'each of its statements is committed by itself (disable-transaction)',
  instead: 'remove it; statements that belong together go in a file without that line, which runs in one transaction',
}

const NEEDS_NO_TRANSACTION: Unfit = {
  why: 'it runs in one transaction, and this statement cannot',
  instead: `move it to a file of its own that begins with the line ${OUTSIDE}`,
}

const RESETS_ALL: Unfit = {
  why: 'this run would lose its time-outs and its lock',
  instead: 'reset settings by name, such as RESET work_mem',
}

const UNLOCKS_ALL: Unfit = {
  why: 'this run would lose the lock that keeps other migrations out',
  instead: 'release locks by key: pg_advisory_unlock(KEY)',
}

/** Also for COPY that psql would read, with its rows, from the file. */
export const READS_CLIENT: Unfit = {
  why: 'its rows come from the client, and chatkeep sends none',
  instead: 'write the rows as INSERT, or load them with psql',
}

const needsNoTransaction = (node: Node): boolean => {
  if (NEVER_IN_TRANSACTION.some((kind) => kind in node)) return true
  if ('VacuumStmt' in node) return node.VacuumStmt.is_vacuumcmd === true
  if ('IndexStmt' in node) return node.IndexStmt.concurrent === true
  if ('DropStmt' in node) return node.DropStmt.concurrent === true
  if ('ClusterStmt' in node) return node.ClusterStmt.relation === undefined
  if ('DiscardStmt' in node) return node.DiscardStmt.target === 'DISCARD_ALL'
  if ('ReindexStmt' in node) {
    const { kind, params = [] } = node.ReindexStmt
    const isConcurrent = params.some((param) => 'DefElem' in param && param.DefElem.defname === 'concurrently')
    return isConcurrent || (kind !== 'REINDEX_OBJECT_INDEX' && kind !== 'REINDEX_OBJECT_TABLE')
  }
  if (!('AlterTableStmt' in node)) return false
  return commandsOf(node.AlterTableStmt).some(
    ({ def }) => def !== undefined && 'PartitionCmd' in def && def.PartitionCmd.concurrent === true,
  )
}

// A name in the tree as the parser writes it; in a constant, its quotes would be escaped.
const callsUnlockAll = (node: Node): boolean =>
  /"funcname":\[(?:\{"String":\{"sval":"pg_catalog"\}\},)?\{"String":\{"sval":"pg_advisory_unlock_all"\}\}\]/.test(
    JSON.stringify(node),
  )

const NEVER_IN_TRANSACTION = [
  'AlterSystemStmt',
  'CreatedbStmt',
  'DropdbStmt',
  'CreateTableSpaceStmt',
  'DropTableSpaceStmt',
]
