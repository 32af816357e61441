import type { TargetNaming } from '../next-step.js'
import type { MetricsReport } from './report.js'
import type { Verdict } from './thresholds/judge.js'

/** A report with what every way to show it needs. */
export interface ShownReport {
  readonly report: MetricsReport
  readonly verdict: Verdict
  /** The database, without secrets. */
  readonly target: string
  readonly naming: TargetNaming | undefined
}
