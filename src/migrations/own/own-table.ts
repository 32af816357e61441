import type { OwnNames } from '../../persistence/own-names.js'

/** A column that came later. */
interface AddedColumn {
  readonly column: string
  /** The statements that add it to a table that is there, as `create` makes it. */
  readonly add: (names: OwnNames) => readonly string[]
}

/** A table in chatkeep's own schema. */
export interface OwnTable {
  readonly name: string
  /** Its columns: name, type as `format_type` writes it, whether it is NOT NULL. */
  readonly columns: readonly (readonly [name: string, type: string, notNull: boolean])[]
  /** Its primary key: without one, a publication of all tables would reject updates and deletes. */
  readonly key: string
  /** The statements that create it. */
  readonly create: (names: OwnNames) => readonly string[]
  /** What roles that may insert clients may do with it. */
  readonly granted: readonly string[]
  /** What anybody may be granted. */
  readonly harmless: readonly string[]
  /** Whether it exists only from a rollback until the next migrate. */
  readonly temporary: boolean
  /** A column, the last one, that the tables of earlier versions lack. */
  readonly added?: AddedColumn
  /** Only where messages are partitioned: a migration creates it, together with its rows. It is partitioned itself. */
  readonly parts?: readonly string[]
}

/** Whether a table with these columns is one of an earlier version, which lacks the column that came later. */
export const lacksAdded = ({ columns, added }: OwnTable, found: OwnTable['columns']): boolean =>
  added !== undefined && JSON.stringify(found) === JSON.stringify(columns.filter(([name]) => name !== added.column))
