import { fingerprintOf, type Fingerprint } from './fingerprint.js'

/** A set of strings that only grows, with 4 to 11 bytes a member, however long the strings are. */
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
 * A transcript may have more lines than fit in memory as strings. The set stores 32 bits of each string's hash, in a slot
 * that depends on 32 others: a false positive happens about once in a thousand million look-ups. Callers have to
 * tolerate it.
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
      // A new segment instead of a larger copy: growing never needs twice the memory.
      if (last.size >= last.slots.length * MOST_FILLED) segments.push((last = createSegment(2 * last.slots.length)))
      const fingerprint = fingerprintOf(text)
      const slot = slotOf(last.slots, fingerprint)
      if (last.slots[slot] === 0) last.size += 1
      last.slots[slot] = fingerprint.mark
    },
  }
}

const createSegment = (slots: number): Segment => ({ slots: new Uint32Array(slots), size: 0 })

/** Index of the slot with the mark, else of the free slot for it. */
const slotOf = (slots: Uint32Array, { place, mark }: Fingerprint): number => {
  const last = slots.length - 1
  let slot = place & last
  while (slots[slot] !== 0 && slots[slot] !== mark) slot = (slot + 1) & last
  return slot
}
