import { fingerprintOf, type Fingerprint } from './fingerprint.js'

/** A map from many strings to numbers, with 16 to 48 bytes an entry, however long the strings are. */
export interface FingerprintMap {
  get(text: string): number | undefined
  /** @param value a whole number from 0 to 2^32 - 1 */
  set(text: string, value: number): void
}

/** Of each slot: the mark (0 when it is free), the place, the value. */
const WORDS = 3
const FIRST_SLOTS = 1_024
const MOST_FILLED = 0.75

/** Stores all 64 bits of each string's hash: a collision among ten million strings happens once in 400,000 runs. */
export const createFingerprintMap = (): FingerprintMap => {
  let words = new Uint32Array(WORDS * FIRST_SLOTS)
  let size = 0

  const enlarge = (): void => {
    const old = words
    words = new Uint32Array(2 * old.length)
    for (let from = 0; from < old.length; from += WORDS) {
      const [mark = 0, place = 0] = old.subarray(from, from + 2)
      if (mark !== 0) words.set(old.subarray(from, from + WORDS), slotOf(words, { mark, place }))
    }
  }

  return {
    get: (text) => {
      const slot = slotOf(words, fingerprintOf(text))
      return words[slot] === 0 ? undefined : words[slot + 2]
    },
    set: (text, value) => {
      if (WORDS * (size + 1) > words.length * MOST_FILLED) enlarge()
      const fingerprint = fingerprintOf(text)
      const slot = slotOf(words, fingerprint)
      if (words[slot] === 0) size += 1
      words.set([fingerprint.mark, fingerprint.place, value], slot)
    },
  }
}

/** Index of the entry, else of the free slot for it. */
const slotOf = (words: Uint32Array, { place, mark }: Fingerprint): number => {
  const last = words.length / WORDS - 1
  let slot = place & last
  while (words[WORDS * slot] !== 0 && !(words[WORDS * slot] === mark && words[WORDS * slot + 1] === place)) {
    slot = (slot + 1) & last
  }
  return WORDS * slot
}
