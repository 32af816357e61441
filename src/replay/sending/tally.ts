import { createBitSet, type BitSet } from '../../collections/bit-set.js'
import { createFindings, type Findings } from '../checking/findings.js'
import type { SendOutcome } from './sender.js'

export interface RejectedLine {
  readonly line: number
  readonly reason: string
}

/** Outcomes of the lines so far; each line counts in one of `saved`, `duplicates`, `rejected` and `unanswered`. */
export interface Counts {
  readonly attempted: number
  readonly saved: number
  readonly duplicates: number
  readonly rejected: Findings<RejectedLine>
  readonly unanswered: number
}

/** Counts the outcomes of a run; memory does not grow with the texts. */
export interface Tally {
  /** The last line that was read; 0 before the first. */
  readonly lastLine: number
  /** Lines that contain a message. */
  readonly messages: number
  /** Lines of messages that were sent and rejected. */
  readonly refused: BitSet
  reject(line: number, reasons: readonly string[]): void
  begin(line: number): void
  settle(line: number, outcome: SendOutcome): void
  counts(): Counts
}

export const createTally = (): Tally => {
  const rejected = createFindings<RejectedLine>()
  const refused = createBitSet()
  const settled = { saved: 0, duplicate: 0, rejected: 0 }
  let [lastLine, messages, unreadable] = [0, 0, 0]
  return {
    get lastLine() {
      return lastLine
    },
    get messages() {
      return messages
    },
    refused,
    reject: (line, reasons) => {
      lastLine = line
      unreadable += 1
      rejected.add({ line, reason: reasons.join('; ') })
    },
    begin: (line) => {
      lastLine = line
      messages += 1
    },
    settle: (line, outcome) => {
      settled[outcome.kind] += 1
      if (outcome.kind !== 'rejected') return
      refused.add(line)
      rejected.add({ line, reason: outcome.reason })
    },
    counts: () => ({
      attempted: messages + unreadable,
      saved: settled.saved,
      duplicates: settled.duplicate,
      rejected: inOrderOfLines(rejected.result()),
      unanswered: messages - settled.saved - settled.duplicate - settled.rejected,
    }),
  }
}

// Lanes run in parallel, so lines are rejected in any order.
const inOrderOfLines = ({ count, first }: Findings<RejectedLine>): Findings<RejectedLine> => ({
  count,
  first: first.toSorted((one, other) => one.line - other.line),
})
