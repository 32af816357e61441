import { createFingerprintMap } from '../../collections/fingerprint-map.js'
import type { MatchedMessage } from './judge.js'

/** A message that was sent after the answer to another of its sender, and is stored before it. */
export interface OutOfOrder {
  readonly line: number
  readonly id: number
  /** Id of a message that its sender sent earlier. */
  readonly earlierId: number
}

/** Follows each sender through a run. */
export interface OrderCheck {
  /** Takes a sender's messages in the order in which they were sent, one after the answer to the one before. */
  look(sender: string, matched: MatchedMessage): readonly OutOfOrder[]
}

/** @param highWaterMark rows up to this id are older than the run: what was deleted since comes back behind them */
export const createOrderCheck = (highWaterMark: number): OrderCheck => {
  const latest = createFingerprintMap()
  return {
    look: (sender, { message, rows }) => {
      const id = rows[0]?.id
      // Of what was not acknowledged, nobody can tell when it was taken.
      if (message.outcome !== 'ok' || id === undefined || id <= highWaterMark) return []
      const earlierId = latest.get(sender) ?? 0
      latest.set(sender, Math.max(id, earlierId))
      return id < earlierId ? [{ line: message.line, id, earlierId }] : []
    },
  }
}
