import type { AlterTableCmd, AlterTableStmt, ColumnDef, Constraint } from '@pgsql/types'
import { columnOf, commandsOf, constraintOf, constraintsOf } from './alter-table.js'
import type { LockMode, TableLock } from './lock-modes.js'
import { relationName } from './relation-name.js'
import type { KnownObjects, Work } from './statement-effect.js'

/** Locks and work of an ALTER TABLE; its longest subcommand determines the work. */
export const alterTableEffect = (
  alter: AlterTableStmt,
  known: KnownObjects,
): { readonly locks: readonly TableLock[]; readonly work: Work } | undefined => {
  const table = relationName(alter.relation)
  if (table === undefined || alter.objtype !== 'OBJECT_TABLE') return undefined
  const commands = commandsOf(alter)
  const locks = commands.flatMap((command): readonly TableLock[] => [
    { table, mode: modeOf(command) },
    ...referencedTables(command).map((other) => ({ table: other, mode: 'SHARE ROW EXCLUSIVE' as const })),
  ])
  const works = commands.map((command) => workOf(command, table, known))
  return {
    locks,
    work: LONGEST_FIRST.flatMap((kind) => works.find((work) => work.kind === kind) ?? [])[0] ?? { kind: 'catalog' },
  }
}

const LONGEST_FIRST: readonly Work['kind'][] = ['unknown', 'rewrite', 'index', 'scan', 'catalog']

// From AlterTableGetLockLevel of the server. All other subcommands take the strongest lock.
const WEAKER_MODES: Readonly<Partial<Record<NonNullable<AlterTableCmd['subtype']>, LockMode>>> = {
  AT_ValidateConstraint: 'SHARE UPDATE EXCLUSIVE',
  AT_SetStatistics: 'SHARE UPDATE EXCLUSIVE',
  AT_ClusterOn: 'SHARE UPDATE EXCLUSIVE',
  AT_DropCluster: 'SHARE UPDATE EXCLUSIVE',
  AT_SetOptions: 'SHARE UPDATE EXCLUSIVE',
  AT_ResetOptions: 'SHARE UPDATE EXCLUSIVE',
  AT_AttachPartition: 'SHARE UPDATE EXCLUSIVE',
  AT_EnableTrig: 'SHARE ROW EXCLUSIVE',
  AT_EnableAlwaysTrig: 'SHARE ROW EXCLUSIVE',
  AT_EnableReplicaTrig: 'SHARE ROW EXCLUSIVE',
  AT_EnableTrigAll: 'SHARE ROW EXCLUSIVE',
  AT_EnableTrigUser: 'SHARE ROW EXCLUSIVE',
  AT_DisableTrig: 'SHARE ROW EXCLUSIVE',
  AT_DisableTrigAll: 'SHARE ROW EXCLUSIVE',
  AT_DisableTrigUser: 'SHARE ROW EXCLUSIVE',
}

const CATALOG_ONLY: readonly AlterTableCmd['subtype'][] = [
  'AT_AddIdentity',
  'AT_ChangeOwner',
  'AT_ColumnDefault',
  'AT_DisableRowSecurity',
  'AT_DropColumn',
  'AT_DropConstraint',
  'AT_DropIdentity',
  'AT_DropNotNull',
  'AT_EnableRowSecurity',
  'AT_ForceRowSecurity',
  'AT_NoForceRowSecurity',
  'AT_ReplicaIdentity',
  'AT_ResetRelOptions',
  'AT_SetRelOptions',
  'AT_SetStorage',
]

const modeOf = (command: AlterTableCmd): LockMode => {
  const constraint = constraintOf(command)
  if (constraint?.contype === 'CONSTR_FOREIGN') return 'SHARE ROW EXCLUSIVE'
  return (command.subtype === undefined ? undefined : WEAKER_MODES[command.subtype]) ?? 'ACCESS EXCLUSIVE'
}

const workOf = (command: AlterTableCmd, table: string, { provenNotNull = [] }: KnownObjects): Work => {
  const { subtype, name = '' } = command
  switch (subtype) {
    case 'AT_AddColumn':
      return writesRows(columnOf(command)) ? { kind: 'rewrite', table } : { kind: 'catalog' }
    case 'AT_AlterColumnType':
      return { kind: 'rewrite', table }
    case 'AT_SetNotNull':
      return provenNotNull.includes(name) ? { kind: 'catalog' } : { kind: 'scan', table }
    case 'AT_ValidateConstraint':
      return { kind: 'scan', table }
    case 'AT_AddConstraint':
      return constraintWork(constraintOf(command), table)
    default: {
      const isCatalogOnly = CATALOG_ONLY.includes(subtype) || (subtype !== undefined && subtype in WEAKER_MODES)
      return { kind: isCatalogOnly ? 'catalog' : 'unknown' }
    }
  }
}

const constraintWork = (constraint: Constraint | undefined, table: string): Work => {
  if (constraint === undefined) return { kind: 'unknown' }
  const { contype, skip_validation, indexname, conname = '' } = constraint
  if (contype === 'CONSTR_CHECK' || contype === 'CONSTR_FOREIGN')
    return skip_validation === true ? { kind: 'catalog' } : { kind: 'scan', table }
  const buildsIndex = contype === 'CONSTR_PRIMARY' || contype === 'CONSTR_UNIQUE' || contype === 'CONSTR_EXCLUSION'
  if (!buildsIndex) return { kind: 'unknown' }
  // With USING INDEX, a primary key still checks that no row is NULL.
  if (indexname !== undefined) return contype === 'CONSTR_PRIMARY' ? { kind: 'scan', table } : { kind: 'catalog' }
  return { kind: 'index', table, name: conname, method: 'btree', partial: false }
}

// The catalog stores a constant default; any other may be computed for each row.
const writesRows = (column: ColumnDef | undefined): boolean =>
  constraintsOf(column).some(({ contype, raw_expr }) => {
    if (contype === 'CONSTR_GENERATED' || contype === 'CONSTR_IDENTITY') return true
    return contype === 'CONSTR_DEFAULT' && (raw_expr === undefined || !('A_Const' in raw_expr))
  })

const referencedTables = (command: AlterTableCmd): readonly string[] => {
  const own = constraintOf(command)
  return [...constraintsOf(columnOf(command)), ...(own === undefined ? [] : [own])].flatMap(
    ({ pktable }) => relationName(pktable) ?? [],
  )
}
