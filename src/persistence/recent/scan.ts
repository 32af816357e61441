/** What is read backwards in search of chats: so many single messages, or so many pairs of an hour and a chat. */
export interface Scan {
  readonly by: 'message' | 'hour'
  readonly rows: number
}

/** What a scan came to. */
export interface Yield {
  /** The pairs of an hour and a chat of the messages that were read. */
  readonly pairs: number
  /** Chats whose last message was among them. */
  readonly found: number
}

/** Enough for a page where many chats take turns. */
export const FIRST_SCAN: Scan = { by: 'message', rows: 512 }

/** A walk over more messages costs as much as one over their hours, and the planner takes it for expensive. */
const MOST_MESSAGES = 16_384

/** From so many messages a pair on, a scan by hours reads fewer rows by far. */
const FLOOD = 8

/** Chats are spread unevenly: half as many rows again as the yield says. */
const RESERVE = 1.5

/** A small yield is a poor estimate, and a flood by few chats says little about the hours before it. */
const MOST_GROWTH = { message: 8, hour: 4 }

/**
 * The scan to try after one that found too few of the wanted chats, from its yield. Rows are powers of two: they are part
 * of the statement, so that the planner knows them, and a connection keeps the plan of each statement.
 */
export const nextScan = ({ by, rows }: Scan, { pairs, found }: Yield, wanted: number): Scan => {
  const needed = powerOfTwo((RESERVE * rows * wanted) / Math.max(found, 1))
  const grown = Math.min(Math.max(needed, 2 * rows), MOST_GROWTH[by] * rows)
  if (by === 'hour') return { by, rows: grown }
  const isFlood = needed > MOST_MESSAGES && rows >= FLOOD * pairs
  return isFlood || rows >= MOST_MESSAGES
    ? { by: 'hour', rows: FIRST_SCAN.rows }
    : { by, rows: Math.min(grown, MOST_MESSAGES) }
}

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(least))
