import type { Expectation } from './expectation.js'
import type { Facts } from './facts/facts.js'
import type { Finding } from './finding.js'
import type { Severity } from './severity.js'
import type { Answer } from './question.js'

/** One check, decided by what was read beforehand. */
export interface FactCheck {
  readonly name: string
  /** In which directions it is asked. */
  readonly expectations: readonly Expectation[]
  readonly findings: (facts: Facts) => readonly Finding[]
}

/** One check that has to look at rows. Its question may take too long; then that is its finding, and the others go on. */
export interface DataCheck {
  readonly name: string
  readonly expectations: readonly Expectation[]
  /** What is counted, in words. */
  readonly object: string
  /** Of the finding that no answer came in time: not known is as bad as the worst answer. */
  readonly severity: Severity
  /** A query for `Answer`, or undefined when there is nothing to ask, or something is missing that another check reports. */
  readonly question: (facts: Facts) => string | undefined
  /** Decides on the answer; it is undefined when none was asked for, or none came. */
  readonly findings: (answer: Answer | undefined, facts: Facts) => readonly Finding[]
}

export type Check = FactCheck | DataCheck
