import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { CHAT_TABLES } from '../../persistence/shape.js'
import { SELECT_INTEGRITY } from './integrity-sql.js'

/** The default of a column. */
export interface ColumnDefault {
  readonly table: string
  readonly column: string
  /** As `pg_get_expr` writes it, e.g. `CURRENT_TIMESTAMP`. */
  readonly expression: string
  /** Whether every insert gets the same value. */
  readonly constant: boolean
}

/** An index that is not valid, ready and live; sound indexes are not listed. */
export interface BrokenIndex {
  readonly table: string
  readonly name: string
  /** `not-ready`: inserts do not update it. `not-live`: it was being dropped. `invalid`: inserts update it, but queries do not use it. */
  readonly state: 'invalid' | 'not-ready' | 'not-live'
  /** Whether an index is being built on this table right now. */
  readonly building: boolean
}

/** A foreign key, check or NOT NULL constraint that rows may violate; constraints that the server enforces are not listed. */
export interface DoubtfulConstraint {
  readonly table: string
  readonly name: string
  readonly kind: 'foreign key' | 'check' | 'not null'
  readonly columns: readonly string[]
  readonly validated: boolean
  /** False for NOT ENFORCED, from PostgreSQL 18. */
  readonly enforced: boolean
  /** Whether its triggers are disabled. */
  readonly disabled: boolean
}

/** A foreign key of a chat table. */
export interface ForeignKey {
  readonly table: string
  readonly name: string
  readonly columns: readonly string[]
  readonly referencedTable: string
  readonly referencedColumns: readonly string[]
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
}

export type ReferentialAction = 'NoAction' | 'Restrict' | 'Cascade' | 'SetNull' | 'SetDefault'

/** A rewrite rule for INSERT or UPDATE. */
export interface RewriteRule {
  readonly table: string
  readonly name: string
  readonly event: 'INSERT' | 'UPDATE'
  readonly instead: boolean
}

/** A BEFORE INSERT trigger of the application for each row, which can change or discard the row. */
export interface InsertTrigger {
  readonly table: string
  readonly name: string
  readonly function: string
  readonly language: string
  readonly source: string
}

/** The sequence behind an id. Numbers are text, because they can be as large as 2^63. */
export interface IdSequence {
  readonly table: string
  readonly column: string
  readonly schema: string
  readonly name: string
  /** Whether the column owns it: it is then dropped, dumped and restarted with the column. */
  readonly owned: boolean
  readonly increment: string
  /** Its last value, or one step before its first; null if the role may not read it. */
  readonly last: string | null
  /** The values that it may return, within the type of the column. */
  readonly least: string
  readonly largest: string
  /** Whether it goes on with the first value after the last. */
  readonly cycles: boolean
}

/** Objects that affect the rows of the chat's tables: defaults, indexes, constraints, rules, triggers, sequences. */
export interface Integrity {
  readonly defaults: readonly ColumnDefault[]
  readonly brokenIndexes: readonly BrokenIndex[]
  readonly doubtfulConstraints: readonly DoubtfulConstraint[]
  /** Whether an enforced foreign key guarantees that the client of every message exists. */
  readonly clientReferenced: boolean
  readonly foreignKeys: readonly ForeignKey[]
  /** Names of the primary keys, which are those of their indexes. */
  readonly primaryKeys: readonly string[]
  readonly rules: readonly RewriteRule[]
  readonly insertTriggers: readonly InsertTrigger[]
  readonly sequences: readonly IdSequence[]
}

interface ReadSequence extends IdSequence {
  readonly readable: boolean
}

interface ReadIntegrity extends Omit<Integrity, 'sequences'> {
  readonly sequences: readonly ReadSequence[]
}

export const readIntegrity = async (client: Queryable, schema: string): Promise<Integrity> => {
  const read = onlyRow(await client.query<ReadIntegrity>(SELECT_INTEGRITY, [schema, CHAT_TABLES]))
  const sequences: IdSequence[] = []
  for (const { readable, ...sequence } of read.sequences)
    sequences.push(
      sequence.last === null && readable ? { ...sequence, last: await readUncalled(client, sequence) } : sequence,
    )
  return { ...read, sequences }
}

// The catalog has no last value of a sequence that was restarted and not called since.
const readUncalled = async (client: Queryable, { schema, name, increment }: IdSequence): Promise<string> => {
  const { last } = onlyRow(
    await client.query<{ last: string }>(
      `SELECT ("last_value" - CASE WHEN "is_called" THEN 0 ELSE $1::numeric END)::text AS "last" FROM ${qualified(schema, name)}`,
      [increment],
    ),
  )
  return last
}
