/** What is read backwards in search of chats: so many single messages, or of each kind so many pairs of an hour and a chat. */
export type Scan =
  | { readonly by: 'message'; readonly rows: number }
  | { readonly by: 'hour'; readonly clients: number; readonly guests: number }

/** What a scan came to. */
export interface Yield {
  /** The pairs of an hour and a chat of the messages that were read. */
  readonly pairs: number
  /** Chats whose last message was among them. */
  readonly found: number
}

/** How far a statement came, of each kind of chats: null for complete. There is a page only where both are complete. */
export interface PageProgress {
  readonly clientsYield: Yield | null
  readonly guestsYield: Yield | null
}

/** Enough for a page where many chats take turns. */
export const FIRST_SCAN: Scan = { by: 'message', rows: 512 }

const FIRST_HOURS: Scan = { by: 'hour', clients: 128, guests: 128 }

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
export const nextScan = (scan: Scan, { clientsYield, guestsYield }: PageProgress, wanted: number): Scan => {
  if (scan.by === 'message') return afterWalk(scan.rows, total([clientsYield, guestsYield]), wanted)
  return {
    by: 'hour',
    clients: clientsYield === null ? scan.clients : grown('hour', scan.clients, clientsYield, wanted),
    guests: guestsYield === null ? scan.guests : grown('hour', scan.guests, guestsYield, wanted),
  }
}

const total = (yields: readonly (Yield | null)[]): Yield => ({
  pairs: yields.reduce((sum, one) => sum + (one?.pairs ?? 0), 0),
  found: yields.reduce((sum, one) => sum + (one?.found ?? 0), 0),
})

const afterWalk = (rows: number, all: Yield, wanted: number): Scan => {
  const isFlood = needed(rows, all, wanted) > MOST_MESSAGES && rows >= FLOOD * all.pairs
  if (isFlood || rows >= MOST_MESSAGES) return FIRST_HOURS
  return { by: 'message', rows: Math.min(grown('message', rows, all, wanted), MOST_MESSAGES) }
}

const grown = (by: Scan['by'], rows: number, came: Yield, wanted: number): number =>
  Math.min(Math.max(needed(rows, came, wanted), 2 * rows), MOST_GROWTH[by] * rows)

const needed = (rows: number, { found }: Yield, wanted: number): number =>
  powerOfTwo((RESERVE * rows * wanted) / Math.max(found, 1))

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(least))
