import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { CHAT_TABLES, OWN_TABLES } from '../../persistence/shape.js'
import { SELECT_INTEGRITY } from './integrity-sql.js'

/** The default of a column. */
export interface ColumnDefault {
  readonly table: string
  readonly column: string
  /** As `pg_get_expr` writes it, e.g. `CURRENT_TIMESTAMP`. */
  readonly expression: string
  /** Gives the same value at every insert. */
  readonly constant: boolean
}

/** An index that is not whole; those that are, are not listed. */
export interface BrokenIndex {
  readonly table: string
  readonly name: string
  /** `not-ready`: inserts do not reach it. `not-live`: it was about to be dropped. `invalid`: inserts do, reads do not. */
  readonly state: 'invalid' | 'not-ready' | 'not-live'
  /** Somebody builds an index on this table at this moment. */
  readonly building: boolean
}

/** A foreign key, a check or a NOT NULL of the chat's tables that the server does not vouch for; those that it does, are not listed. */
export interface DoubtfulConstraint {
  readonly table: string
  readonly name: string
  readonly kind: 'foreign key' | 'check' | 'not null'
  readonly columns: readonly string[]
  readonly validated: boolean
  /** False for NOT ENFORCED, from PostgreSQL 18. */
  readonly enforced: boolean
  /** Its triggers do not fire. */
  readonly disabled: boolean
}

/** A rewrite rule for INSERT or UPDATE. */
export interface RewriteRule {
  readonly table: string
  readonly name: string
  readonly event: 'INSERT' | 'UPDATE'
  readonly instead: boolean
}

/** A trigger of the application that sees each row before it is inserted, and may change or refuse it. */
export interface InsertTrigger {
  readonly table: string
  readonly name: string
  readonly function: string
  readonly language: string
  readonly source: string
}

/** The sequence that gives an id. Sizes are text, since they go up to 2^63. */
export interface IdSequence {
  readonly table: string
  readonly column: string
  readonly schema: string
  readonly name: string
  /** Belongs to the column: dropped, dumped and restarted with it. */
  readonly owned: boolean
  readonly increment: string
  /** The last value it gave, or one step before its start; null when this role may not know it. */
  readonly last: string | null
  /** The last value it can give: its own limit, or that of the column's type. */
  readonly limit: string
}

/** What the server itself does for, or against, the rows of the chat's tables. */
export interface Integrity {
  readonly defaults: readonly ColumnDefault[]
  readonly brokenIndexes: readonly BrokenIndex[]
  readonly doubtfulConstraints: readonly DoubtfulConstraint[]
  /** Whether the server vouches that every "clientId" is a client's. */
  readonly clientReferenced: boolean
  readonly rules: readonly RewriteRule[]
  readonly insertTriggers: readonly InsertTrigger[]
  readonly sequences: readonly IdSequence[]
}

export const readIntegrity = async (client: Queryable, schema: string): Promise<Integrity> =>
  onlyRow(await client.query<Integrity>(SELECT_INTEGRITY, [schema, [...CHAT_TABLES, ...OWN_TABLES]]))
