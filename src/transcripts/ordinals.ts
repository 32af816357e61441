import { createFingerprintSet } from '../collections/fingerprint-set.js'
import { replayKey } from './replay-key.js'
import type { TranscriptMessage } from './transcript-line.js'

/** Gives each message of a transcript its key; must be asked once for each, in their order. */
export type AssignKey = (message: TranscriptMessage) => string

/**
 * Counts equal messages, so that the second of two twins has a key of its own. Only twins are remembered whole.
 * A message mistaken for the twin of another starts at ordinal 1: a key as good, and the same one in every run.
 */
export const createAssignKey = (): AssignKey => {
  const seen = createFingerprintSet()
  const twins = new Map<string, number>()
  return (message) => {
    const first = replayKey(message, 0)
    if (!seen.has(first)) {
      seen.add(first)
      return first
    }
    const ordinal = (twins.get(first) ?? 0) + 1
    twins.set(first, ordinal)
    return replayKey(message, ordinal)
  }
}
