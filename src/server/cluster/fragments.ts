/** A part of a text, from a server that has the secret. */
export interface Fragment {
  readonly sender: string
  readonly timeMs: number
  readonly index: number
  readonly count: number
  readonly bytes: Buffer
}

/** More than one message, with every character escaped, or one list of participants needs. */
const maxTextBytesOf = (maxMessageBytes: number): number => 12 * maxMessageBytes + 4 * 1_048_576

/** Of all texts that have begun, in the largest ones. */
const MAX_BEGUN_TEXTS = 4

/** The fragments of a text are sent together. */
const MAX_BEGUN_MS = 60_000

interface Begun {
  readonly timeMs: number
  readonly pieces: Buffer[]
  sizeBytes: number
}

/**
 * Joins fragments; returns the whole text with its last one. A sender's fragments arrive in order and its texts are not
 * interleaved; a text without its first fragments, because listening began in the middle, is dropped.
 */
export const createFragmentJoiner = (maxMessageBytes: number): ((fragment: Fragment) => string | undefined) => {
  const maxTextBytes = maxTextBytesOf(maxMessageBytes)
  const begun = new Map<string, Begun>()
  const begunBytes = (): number => [...begun.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return ({ sender, timeMs, index, count, bytes }) => {
    for (const [other, { timeMs: since }] of begun) if (timeMs - since > MAX_BEGUN_MS) begun.delete(other)
    const text: Begun | undefined = index === 0 ? { timeMs, pieces: [], sizeBytes: 0 } : begun.get(sender)
    begun.delete(sender)
    if (text?.pieces.length !== index) return undefined
    // In place: a large text has thousands of fragments.
    text.pieces.push(bytes)
    if (text.pieces.length === count) return Buffer.concat(text.pieces).toString()
    text.sizeBytes += bytes.length
    if (text.sizeBytes > maxTextBytes || begunBytes() + text.sizeBytes > MAX_BEGUN_TEXTS * maxTextBytes)
      return undefined
    begun.set(sender, text)
    return undefined
  }
}
