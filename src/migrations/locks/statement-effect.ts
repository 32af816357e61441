import type { Catalog } from '../../database/catalog.js'
import type { Blocks, TableLock } from './lock-modes.js'

/** The kind of work a statement does, which determines its duration. */
export type Work =
  /** Changes only the catalog: milliseconds, whatever the size of the table. */
  | { readonly kind: 'catalog' }
  /** Reads every row. */
  | { readonly kind: 'scan'; readonly table: string }
  /** Rewrites the table. */
  | { readonly kind: 'rewrite'; readonly table: string }
  /** Reads or changes rows; the largest table determines the duration. */
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
  /** The strongest lock of each table. Omits indexes, and tables that the statement itself creates. */
  readonly locks: readonly TableLock[]
  readonly blocks: Blocks
  readonly work: Work
  /** CONCURRENTLY: waits for every older transaction, and cannot run in one. */
  readonly waitsForOldTransactions: boolean
}

/** The objects that exist when the statement runs. */
export interface KnownObjects extends Pick<Catalog, 'tables' | 'indexes' | 'triggers'> {
  /** Columns that a validated CHECK proves free of NULL, so SET NOT NULL reads no rows. */
  readonly provenNotNull?: readonly string[]
}
