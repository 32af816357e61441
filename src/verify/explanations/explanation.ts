import type { Severity } from '../severity.js'

/** What `chatkeep explain CODE` says about one kind of finding. Line breaks in the texts mean nothing. */
export interface Explanation {
  /** One line. */
  readonly title: string
  /** How grave it can be; the gravest first. */
  readonly severities: readonly Severity[]
  /** What it means, and why it matters. */
  readonly meaning: string
  /** How it comes about. */
  readonly cause: string
  /** How to mend it. */
  readonly remedy: string
}

/** Explanations of one topic, by code. */
export type Explanations = Readonly<Record<string, Explanation>>
