import { fingerprintOf, type Fingerprint } from './fingerprint.js'

/** A map from many strings to pairs of numbers, with 32 to 96 bytes an entry, however long the strings are. */
export interface FingerprintMap {
  get(text: string): Pair | undefined
  set(text: string, value: Pair): void
}

export type Pair = readonly [number, number]

/** Of each slot: the mark (0 when it is free), and the place. */
const WORDS = 2
const FIRST_SLOTS = 1_024
const MOST_FILLED = 0.75

/** Stores all 64 bits of each string's hash: a collision among ten million strings happens once in 400,000 runs. */
export const createFingerprintMap = (): FingerprintMap => {
  let words = new Uint32Array(WORDS * FIRST_SLOTS)
  let values = new Float64Array(WORDS * FIRST_SLOTS)
  let size = 0

  const enlarge = (): void => {
    const [oldWords, oldValues] = [words, values]
    words = new Uint32Array(2 * oldWords.length)
    values = new Float64Array(2 * oldValues.length)
    for (let from = 0; from < oldWords.length; from += WORDS) {
      const [mark = 0, place = 0] = oldWords.subarray(from, from + WORDS)
      if (mark === 0) continue
      const slot = slotOf(words, { mark, place })
      words.set([mark, place], slot)
      values.set(oldValues.subarray(from, from + WORDS), slot)
    }
  }

  return {
    get: (text) => {
      const slot = slotOf(words, fingerprintOf(text))
      return words[slot] === 0 ? undefined : [values[slot] ?? 0, values[slot + 1] ?? 0]
    },
    set: (text, value) => {
      if (WORDS * (size + 1) > words.length * MOST_FILLED) enlarge()
      const fingerprint = fingerprintOf(text)
      const slot = slotOf(words, fingerprint)
      if (words[slot] === 0) size += 1
      words.set([fingerprint.mark, fingerprint.place], slot)
      values.set(value, slot)
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
