import type { Node } from '@pgsql/types'
import type { LockMode } from './lock-modes.js'
import type { StatementEffect, Work } from './statement-effect.js'

/** The effect of one kind of statement, as far as it differs from the defaults. */
export type Effect = Pick<StatementEffect, 'locks' | 'work'> & Partial<StatementEffect>

const CATALOG: Work = { kind: 'catalog' }

/** Locks no table that readers or writers use. */
export const NOTHING: Effect = { locks: [], work: CATALOG }

/** A change of the catalog under a lock on one table; undefined without a table. */
export const onTable = (table: string | undefined, mode: LockMode): Effect | undefined =>
  table === undefined ? undefined : { locks: [{ table, mode }], work: CATALOG }

/** A change of the catalog under locks on several tables. */
export const onTables = (tables: readonly string[], mode: LockMode): Effect => ({
  locks: tables.map((table) => ({ table, mode })),
  work: CATALOG,
})

/** The parts of a qualified name, such as schema, table and column. */
export const namesOf = (object: Node): readonly string[] => {
  if (!('List' in object)) return []
  return (object.List.items ?? []).flatMap((item) => ('String' in item ? (item.String.sval ?? []) : []))
}
