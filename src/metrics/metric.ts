import type { Names } from '../persistence/sql-names.js'

/** A number that describes the chat or its database, or one number for each combination of labels. */
export interface Metric {
  /** Stable, lower-case snake case, part of the public contract; `chatkeep_<name>` in Prometheus. Sizes end in `_bytes`, times in `_seconds`, shares in `_ratio`. */
  readonly name: string
  /** The name for people. */
  readonly title: string
  /** What the metric counts, and what a change of its value may mean. */
  readonly help: string
  readonly unit: Unit
  /** `since`: counts only rows within the window. `all time`: describes the moment, whatever the window. */
  readonly window: 'since' | 'all time'
  /** Columns of the query that split the value, in lower-case snake case; absent for a single number. */
  readonly labels?: readonly string[]
  /** The index that keeps the query fast, or the catalog or statistics view that it reads. */
  readonly reads: string
  /** A table of chatkeep that it needs. Where the database lacks it, or the role may not read it, the value is unknown. */
  readonly needs?: 'guestClients'
  /**
   * A query with one column "value" and one text column for each label: one row for each combination of labels, in the
   * order in which they are shown. Without labels, exactly one row. NULL is a value that does not apply or is not known.
   */
  readonly select: (names: Names, window: Window, given: Given) => string
  /** How it is computed together with other metrics that read the same rows; `select` then reads them for it alone. */
  readonly shared?: Shared
}

/** Ratios are from 0 to 1. */
export type Unit = 'count' | 'seconds' | 'bytes' | 'ratio'

/** Rows that several metrics aggregate: read together, each row is read once. */
export interface Source {
  readonly reads: string
  readonly rows: (names: Names, window: Window) => string
}

/** One sample: an aggregate over the rows of a source, as SQL. */
export interface Aggregate {
  readonly labels: Readonly<Record<string, string>>
  readonly sql: string
}

export interface Shared {
  readonly source: Source
  readonly aggregates: (window: Window, given: Given) => readonly Aggregate[]
}

/** What the database does not know. */
export interface Given {
  /** Size of the disk that holds the database. */
  readonly diskBytes: number | undefined
}

/**
 * SQL expressions for the ends of a window, of type `timestamp` in UTC like the columns that they are compared with: a
 * row belongs to it when it is later than `since` and not later than `until`. A window that ends now has no upper bound:
 * its `until` is infinity, so that rows dated in the future count, as in a query with a lower bound alone.
 */
export interface Window {
  readonly since: string
  readonly until: string
}

/** SQL for a row within the window. */
export const within = (column: string, { since, until }: Window): string =>
  `${column} > ${since} AND ${column} <= ${until}`
