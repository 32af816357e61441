import type { Diagnosis } from './diagnosis.js'
import type { Runtime } from './runtime.js'

/** What `doctor` found. */
export interface DoctorReport {
  /** One connection, or two where commands use different ones. */
  readonly diagnoses: readonly Diagnosis[]
  /** Commands that must be able to run. */
  readonly required: readonly string[]
  readonly runtime: Runtime
  readonly isVerbose: boolean
  readonly durationMs: number
}
