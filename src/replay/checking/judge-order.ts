import { createFingerprintMap } from '../../collections/fingerprint-map.js'
import { isEarlier, type EarlierIds } from './earlier-ids.js'
import type { MatchedMessage } from './judge.js'

/** A message that was sent after the answer to an earlier one of its sender, and stands before it in the history. */
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

/** @param earlier ids of rows that are older than the run; a deleted one that is sent again gets a new id */
export const createOrderCheck = (earlier: EarlierIds): OrderCheck => {
  const latest = createFingerprintMap()
  return {
    look: (sender, { message, rows: [row] }) => {
      // It is unknown when a message without acknowledgement was stored.
      if (message.outcome !== 'ok' || row === undefined || isEarlier(earlier, row.id)) return []
      const [timeMs, id] = [+row.createdAt, row.id]
      const [latestMs, latestId] = latest.get(sender) ?? [-Infinity, 0]
      const isLatest = timeMs === latestMs ? id >= latestId : timeMs > latestMs
      if (isLatest) latest.set(sender, [timeMs, id])
      // Where the sender gave the times, they are compared with what is stored, and their order is the sender's.
      const isOfOrder = isLatest || (timeMs !== latestMs && message.createdAt !== null)
      return isOfOrder ? [] : [{ line: message.line, id, earlierId: latestId }]
    },
  }
}
