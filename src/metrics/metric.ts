import type { Names } from '../persistence/sql-names.js'

/** A number that describes what the chat has stored, or one number for each combination of labels. */
export interface Metric {
  /** Stable, lower-case snake case, part of the public contract. */
  readonly name: string
  /** The name for people. */
  readonly title: string
  /** What the metric counts, and what a change of its value may mean. */
  readonly help: string
  /** `since`: counts only rows newer than the start of the window. `all time`: counts all rows. */
  readonly window: 'since' | 'all time'
  /** Columns of the query that split the value, in lower-case snake case; absent for a single number. */
  readonly labels?: readonly string[]
  /**
   * A query with one column "value" and one text column for each label: one row for each combination of labels, in the
   * order in which they are shown. Without labels, exactly one row.
   * @param since SQL expression for the start of the window, a `timestamp` in UTC like the columns it is compared with
   */
  readonly select: (names: Names, since: string) => string
}
