import type { Names } from '../persistence/sql-names.js'

/** One figure about what the chat stored. */
export interface Metric {
  /** Stable, lower-case snake case, part of the public contract. */
  readonly name: string
  /** What a person reads. */
  readonly title: string
  /** What is counted, in the singular. */
  readonly unit: string
  /** What the figure says, and what to think when it moves. */
  readonly help: string
  /** `since`: only what is newer than the edge of the window. `all time`: everything there is. */
  readonly window: 'since' | 'all time'
  /**
   * SQL of one number.
   * @param since SQL of the window's edge, a `timestamp` in UTC like the columns it is compared with
   */
  readonly select: (names: Names, since: string) => string
}
