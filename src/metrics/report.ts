import type { Blockage } from '../database/blockers.js'
import type { StandbyState } from '../database/replication/replication-state.js'
import type { Metric } from './metric.js'

/** Metrics, read at one instant. */
export interface MetricsReport {
  /** Start of the window. Rows from exactly this instant are not counted. */
  readonly since: Date
  /** End of the window; undefined when it ends now, and then rows dated in the future are counted. */
  readonly until: Date | undefined
  readonly now: Date
  readonly windowMs: number
  /** Starts of the buckets that the window is divided into, the oldest first; empty without buckets. */
  readonly buckets: readonly Date[]
  /** Length of a bucket; the last one may be shorter. Absent without buckets. */
  readonly bucketMs?: number | undefined
  /** How far back the window lies that this one is compared with; undefined without comparison. */
  readonly comparedMs: number | undefined
  readonly metrics: readonly MetricReading[]
  /** What was locked; undefined if every value could be read. */
  readonly blockage: Blockage | undefined
  /** Whether the server is a standby, and how far it is behind. */
  readonly standby: StandbyState
}

/** What was read of one metric. */
export interface MetricReading {
  readonly metric: Metric
  /** One for each combination of labels, in the order of the query. */
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** Empty for a metric without labels. */
  readonly labels: Readonly<Record<string, string>>
  /** Null if it does not apply, or could not be read. */
  readonly value: number | null
  /** The value of the window that lies `comparedMs` further back; absent without comparison, and for `all time`. */
  readonly compared?: number | null
  /** The value of each bucket; absent without buckets, and for `all time`. */
  readonly series?: readonly (number | null)[]
}
