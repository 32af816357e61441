import type { AlterTableCmd, DropStmt, Node } from '@pgsql/types'
import type { Catalog } from '../../database/catalog.js'
import { CHAT_TABLES } from '../../persistence/shape.js'
import type { Statement } from '../ledger/split-statements.js'
import { columnOf, commandsOf, constraintOf } from '../locks/alter-table.js'
import { relationName } from '../locks/relation-name.js'
import { namesOf } from '../locks/table-effect.js'

/** What a plan adds to a table of the application for good, and what it takes from it. */
export interface TableChange {
  readonly table: string
  readonly added: TableObjects
  readonly dropped: TableObjects
  /** How many indexes an INSERT maintains at most. */
  readonly indexes: { readonly before: number; readonly after: number }
}

/** Names of objects of a table. */
export type TableObjects = Readonly<Record<ObjectKind, readonly string[]>>

type ObjectKind = 'columns' | 'indexes' | 'constraints' | 'triggers'

interface Change {
  readonly kind: ObjectKind
  readonly table: string
  readonly name: string
  readonly adds: boolean
}

/** Follows the statements of a plan in their order: what one creates, another may drop. Tables that the plan creates are left out. */
export const tableChanges = (catalog: Catalog, statements: readonly Statement[]): readonly TableChange[] => {
  const changes = statements.flatMap(({ node }) => changesOf(node, catalog))
  return CHAT_TABLES.toReversed()
    .filter((table) => catalog.tables.includes(table))
    .flatMap((table) => {
      const ofTable = changes.filter((change) => change.table === table)
      if (ofTable.length === 0) return []
      const before = catalog.indexes.filter((index) => index.table === table).length
      const added = objectsOf(catalog, ofTable, true)
      const dropped = objectsOf(catalog, ofTable, false)
      return [
        { table, added, dropped, indexes: { before, after: before + added.indexes.length - dropped.indexes.length } },
      ]
    })
}

// The last change of an object counts, and only where it differs from what is there.
const objectsOf = (catalog: Catalog, changes: readonly Change[], adds: boolean): TableObjects => {
  const of = (kind: ObjectKind): readonly string[] => {
    const last = new Map(changes.filter((change) => change.kind === kind).map((change) => [change.name, change]))
    return [...last.values()]
      .filter((change) => change.adds === adds && isThere(catalog, change) !== adds)
      .map(({ name }) => name)
  }
  return { columns: of('columns'), indexes: of('indexes'), constraints: of('constraints'), triggers: of('triggers') }
}

const isThere = ({ columns, indexes, checks, triggers }: Catalog, { kind, table, name }: Change): boolean => {
  switch (kind) {
    case 'columns':
      return columns.some((column) => column.table === table && column.column === name)
    case 'indexes':
      return indexes.some((index) => index.name === name)
    case 'constraints':
      return (
        checks.has(name) || columns.some((one) => one.table === table && !one.nullable && name === notNull(one.column))
      )
    case 'triggers':
      return triggers.some((trigger) => trigger.table === table && trigger.name === name)
  }
}

const notNull = (column: string): string => `NOT NULL of ${column}`

const changesOf = (node: Node, catalog: Catalog): readonly Change[] => {
  if ('IndexStmt' in node) {
    const { relation, idxname: name = '' } = node.IndexStmt
    return [{ kind: 'indexes', table: relationName(relation) ?? '', name, adds: true }]
  }
  if ('CreateTrigStmt' in node) {
    const { relation, trigname: name = '' } = node.CreateTrigStmt
    return [{ kind: 'triggers', table: relationName(relation) ?? '', name, adds: true }]
  }
  if ('AlterTableStmt' in node) {
    const table = relationName(node.AlterTableStmt.relation) ?? ''
    return commandsOf(node.AlterTableStmt).flatMap((command) => {
      const change = alteration(command)
      return change === undefined ? [] : [{ table, ...change }]
    })
  }
  return 'DropStmt' in node ? dropped(node.DropStmt, catalog) : []
}

const alteration = (command: AlterTableCmd): Omit<Change, 'table'> | undefined => {
  const { subtype, name = '' } = command
  switch (subtype) {
    case 'AT_AddColumn':
      return { kind: 'columns', name: columnOf(command)?.colname ?? '', adds: true }
    case 'AT_DropColumn':
      return { kind: 'columns', name, adds: false }
    case 'AT_AddConstraint':
      return { kind: 'constraints', name: constraintOf(command)?.conname ?? '', adds: true }
    case 'AT_DropConstraint':
      return { kind: 'constraints', name, adds: false }
    case 'AT_SetNotNull':
      return { kind: 'constraints', name: notNull(name), adds: true }
    case 'AT_DropNotNull':
      return { kind: 'constraints', name: notNull(name), adds: false }
    default:
      return undefined
  }
}

const dropped = ({ removeType, objects = [] }: DropStmt, { indexes }: Catalog): readonly Change[] =>
  objects.map(namesOf).flatMap((parts): readonly Change[] => {
    const name = parts.at(-1) ?? ''
    if (removeType === 'OBJECT_TRIGGER') return [{ kind: 'triggers', table: parts.at(-2) ?? '', name, adds: false }]
    if (removeType !== 'OBJECT_INDEX') return []
    return indexes
      .filter((index) => index.name === name)
      .map(({ table }) => ({ kind: 'indexes', table, name, adds: false }))
  })
