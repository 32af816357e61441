/** A part of a text, from a server that has the secret. */
export interface Fragment {
  readonly sender: string
  readonly timeMs: number
  readonly index: number
  readonly count: number
  readonly bytes: Buffer
}

/** More than one message or list of participants needs. */
const MAX_TEXT_BYTES = 16 * 1_048_576

/** Of all texts that have begun. */
const MAX_BEGUN_BYTES = 64 * 1_048_576

/** The fragments of a text are sent together. */
const MAX_BEGUN_MS = 60_000

interface Begun {
  readonly timeMs: number
  readonly pieces: readonly Buffer[]
  readonly sizeBytes: number
}

/**
 * Joins fragments; returns the whole text with its last one. A sender's fragments arrive in order and its texts are not
 * interleaved; a text without its first fragments, because listening began in the middle, is dropped.
 */
export const createFragmentJoiner = (): ((fragment: Fragment) => string | undefined) => {
  const begun = new Map<string, Begun>()
  const begunBytes = (): number => [...begun.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return ({ sender, timeMs, index, count, bytes }) => {
    for (const [other, { timeMs: since }] of begun) if (timeMs - since > MAX_BEGUN_MS) begun.delete(other)
    const earlier = index === 0 ? { timeMs, pieces: [], sizeBytes: 0 } : begun.get(sender)
    begun.delete(sender)
    if (earlier?.pieces.length !== index) return undefined
    const pieces = [...earlier.pieces, bytes]
    if (pieces.length === count) return Buffer.concat(pieces).toString()
    const sizeBytes = earlier.sizeBytes + bytes.length
    if (sizeBytes > MAX_TEXT_BYTES || begunBytes() + sizeBytes > MAX_BEGUN_BYTES) return undefined
    begun.set(sender, { timeMs: earlier.timeMs, pieces, sizeBytes })
    return undefined
  }
}
