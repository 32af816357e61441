import { createFingerprintSet } from '../collections/fingerprint-set.js'
import { replayKey } from './replay-key.js'
import type { TranscriptMessage } from './transcript-line.js'

/** Returns the key of a message; must be called once for each message of a transcript, in order. */
export type AssignKey = (message: TranscriptMessage) => string

/**
 * Counts equal messages, so the second of two gets a key of its own. Only keys of repeated messages are kept in full.
 * A message that is mistaken for a repeated one starts at ordinal 1, in every run: its key is unique and stable, too.
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
