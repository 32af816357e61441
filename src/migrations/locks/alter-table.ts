import type { AlterTableCmd, AlterTableStmt, ColumnDef, Constraint } from '@pgsql/types'

/** The subcommands of an ALTER TABLE. */
export const commandsOf = ({ cmds = [] }: AlterTableStmt): readonly AlterTableCmd[] =>
  cmds.flatMap((node) => ('AlterTableCmd' in node ? [node.AlterTableCmd] : []))

/** The column that a subcommand adds or changes. */
export const columnOf = ({ def }: AlterTableCmd): ColumnDef | undefined =>
  def !== undefined && 'ColumnDef' in def ? def.ColumnDef : undefined

/** The constraint that a subcommand adds. */
export const constraintOf = ({ def }: AlterTableCmd): Constraint | undefined =>
  def !== undefined && 'Constraint' in def ? def.Constraint : undefined

/** The indexes of partitions that an ALTER INDEX attaches. */
export const attachedIndexes = (alter: AlterTableStmt): readonly string[] =>
  commandsOf(alter).flatMap(({ def }) =>
    def !== undefined && 'PartitionCmd' in def ? (def.PartitionCmd.name?.relname ?? []) : [],
  )

/** What is written after a column's type: the parser takes its default for a constraint, too. */
export const constraintsOf = (column: ColumnDef | undefined): readonly Constraint[] =>
  (column?.constraints ?? []).flatMap((node) => ('Constraint' in node ? [node.Constraint] : []))
