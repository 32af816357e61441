import type { ExpectedContent } from './expected-content.js'
import type { Outcome } from './judge.js'

/** A message that was sent, and its outcome. */
export interface SentOperation {
  /** Names it in findings: its line in a transcript, or its index in the run. */
  readonly line: number
  readonly outcome: Outcome
  readonly content: ExpectedContent
  /** Id that the server acknowledged; absent or null when it gave none. */
  readonly acknowledgedId?: number | null | undefined
  /** Who sends one message at a time, so that order can be checked. One side of one conversation when absent. */
  readonly sender?: string | undefined
}
