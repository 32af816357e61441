import type { OwnNames } from '../../persistence/own-names.js'

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
  /** Only where messages are partitioned: a migration creates it, together with its rows. It is partitioned itself. */
  readonly parts?: readonly string[]
}
