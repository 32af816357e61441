import { fingerprintOf, type Fingerprint } from './fingerprint.js'

/** A set of strings that only grows, at 4 to 11 bytes a member however long the strings are. */
export interface FingerprintSet {
  add(text: string): void
  has(text: string): boolean
}

interface Segment {
  readonly slots: Uint32Array
  size: number
}

const FIRST_SEGMENT_SLOTS = 65_536
const MOST_FILLED = 0.75

/**
 * A transcript may have more lines than fit in memory as strings. Of each string's hash 32 bits are kept, at a place
 * that depends on 32 others: a string that was never added is taken for a member about once in a thousand million
 * questions. Callers must stay right, if less exact, when that happens.
 */
export const createFingerprintSet = (): FingerprintSet => {
  let last = createSegment(FIRST_SEGMENT_SLOTS)
  const segments = [last]
  return {
    has: (text) => {
      const fingerprint = fingerprintOf(text)
      return segments.some(({ slots }) => slots[slotOf(slots, fingerprint)] === fingerprint.mark)
    },
    add: (text) => {
      // A new segment instead of a larger copy: growing never needs the memory twice.
      if (last.size >= last.slots.length * MOST_FILLED) segments.push((last = createSegment(2 * last.slots.length)))
      const fingerprint = fingerprintOf(text)
      const slot = slotOf(last.slots, fingerprint)
      if (last.slots[slot] === 0) last.size += 1
      last.slots[slot] = fingerprint.mark
    },
  }
}

const createSegment = (slots: number): Segment => ({ slots: new Uint32Array(slots), size: 0 })

/** The slot that holds the mark, else the free one where it belongs. */
const slotOf = (slots: Uint32Array, { place, mark }: Fingerprint): number => {
  const last = slots.length - 1
  let slot = place & last
  while (slots[slot] !== 0 && slots[slot] !== mark) slot = (slot + 1) & last
  return slot
}
