import type { Catalog } from '../../database/catalog.js'
import type { Blocks, TableLock } from './lock-modes.js'

/** What a statement is busy with, which is what its time depends on. */
export type Work =
  /** Only the catalog: milliseconds, however large the table is. */
  | { readonly kind: 'catalog' }
  /** Reads every row. */
  | { readonly kind: 'scan'; readonly table: string }
  /** Writes every row anew. */
  | { readonly kind: 'rewrite'; readonly table: string }
  /** Reads or changes rows, of which some table has the most. */
  | { readonly kind: 'rows'; readonly tables: readonly string[] }
  | {
      readonly kind: 'index'
      readonly table: string
      readonly name: string
      readonly method: string
      readonly partial: boolean
    }
  | { readonly kind: 'unknown' }

export interface StatementEffect {
  /** The strongest lock of each table. Indexes, and tables that the statement itself makes, are left out. */
  readonly locks: readonly TableLock[]
  readonly blocks: Blocks
  readonly work: Work
  /** CONCURRENTLY: it waits for every transaction that is older, and cannot run in one. */
  readonly waitsForOldTransactions: boolean
}

/** What is known of the database when the statement is reached. */
export interface KnownObjects extends Pick<Catalog, 'tables' | 'indexes' | 'triggers'> {
  /** Columns that a validated CHECK proves to hold no NULL: SET NOT NULL then reads no row. */
  readonly provenNotNull?: readonly string[]
}
