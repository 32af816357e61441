import type { Severity } from './severity.js'

/** What `chatkeep explain CODE` shows for a code. Line breaks in the texts have no meaning. */
export interface Explanation {
  /** What was found, in one line. */
  readonly title: string
  /** The severities that a finding with this code can have, worst first. */
  readonly severities: readonly Severity[]
  /** What the finding means, and why it matters. */
  readonly meaning: string
  readonly cause: string
  /** How to fix it. */
  readonly remedy: string
}

/** Explanations by code. */
export type Explanations = Readonly<Record<string, Explanation>>

/** An explanation for each of the codes. */
export type ExplanationsOf<Code extends string> = Readonly<Record<Code, Explanation>>
