import type { PendingSave } from '../pending-save.js'
import type { LookUp } from './contact-sql.js'

/** Which look-up the saves of a store begin with. What the short one leaves out, the whole one finds in a second statement. */
export interface FirstLookUp {
  now(): LookUp
  /** Notes messages that the short one left out, and for which no client was made: those that are saved by now, the whole one found. */
  noteLeftOut(leftOut: readonly PendingSave[]): void
}

/** Who writes under a former name is likely to write again, and does not take several statements each time. */
const WHOLE_FOR_MS = 60_000

export const createFirstLookUp = (): FirstLookUp => {
  let wholeUntil = -Infinity
  return {
    now: () => (performance.now() < wholeUntil ? 'whole' : 'short'),
    noteLeftOut: (leftOut) => {
      if (leftOut.some((one) => one.isSettled())) wholeUntil = performance.now() + WHOLE_FOR_MS
    },
  }
}
