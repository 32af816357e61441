import { createFingerprintMap } from '../../collections/fingerprint-map.js'
import type { MatchedMessage } from './judge.js'

/** A message that was sent after the answer to an earlier one of its sender, and is stored before it. */
export interface OutOfOrder {
  readonly line: number
  readonly id: number
  /** Id of a message that its sender sent earlier. */
  readonly earlierId: number
}

/** Checks the order of each sender's messages. */
export interface OrderCheck {
  /** Takes a sender's messages in the order in which they were sent; each was sent after the answer to the previous one. */
  look(sender: string, matched: MatchedMessage): readonly OutOfOrder[]
}

/** @param highWaterMark rows up to this id are older than the run; a deleted one that is sent again gets a higher id */
export const createOrderCheck = (highWaterMark: number): OrderCheck => {
  const latest = createFingerprintMap()
  return {
    look: (sender, { message, rows }) => {
      const id = rows[0]?.id
      // It is unknown when a message without acknowledgement was stored.
      if (message.outcome !== 'ok' || id === undefined || id <= highWaterMark) return []
      const earlierId = latest.get(sender) ?? 0
      latest.set(sender, Math.max(id, earlierId))
      return id < earlierId ? [{ line: message.line, id, earlierId }] : []
    },
  }
}
