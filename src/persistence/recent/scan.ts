/**
 * What is read in search of chats: backwards so many single messages, or of each kind so many pairs of an hour and a chat; or
 * all chats with unread messages, if there are not more than so many.
 */
export type Scan = BackwardScan | { readonly by: 'unread'; readonly chats: number }

export type BackwardScan =
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
const FIRST_SCAN: BackwardScan = { by: 'message', rows: 512 }

const FIRST_HOURS: BackwardScan = { by: 'hour', clients: 128, guests: 128 }

/** A walk over more messages costs as much as one over their hours, and the planner takes it for expensive. */
const MOST_MESSAGES = 16_384

/** From so many messages a pair on, a scan by hours reads fewer rows by far. */
const FLOOD = 8

/** Chats are spread unevenly: half as many rows again as the yield says. */
const RESERVE = 1.5

/** A small yield is a poor estimate, and a flood by few chats says little about the hours before it. */
const MOST_GROWTH = { message: 8, hour: 4 }

/** The next attempt to find a page. */
export type Search =
  | { readonly scan: BackwardScan; readonly walked?: number }
  | { readonly scan: Scan & { readonly by: 'unread' }; readonly then: BackwardScan }

/** Finding so many chats with unread messages, and when each was active, costs about as much as the first scan. */
const FIRST_WALK = 256

/** A descent of an index, for a chat or a pair of an hour and a chat, costs as much as so many messages read in order. */
const MESSAGES_A_DESCENT = 4

const walkFirst = (chats: number, then: BackwardScan): Search => ({ scan: { by: 'unread', chats }, then })

export const firstSearch = (unreadOnly: boolean): Search =>
  unreadOnly ? walkFirst(FIRST_WALK, FIRST_SCAN) : { scan: FIRST_SCAN }

/**
 * What to try next. Chats with unread messages may be few, or lie behind many that have been read: unless the yield promises
 * that the next step backwards is enough, all of them are looked for first, up to as many as cost no more than that step.
 */
export const nextSearch = (search: Search, progress: PageProgress, wanted: number): Search => {
  if ('then' in search) return { scan: search.then, walked: search.scan.chats }
  const { scan, walked } = search
  const next = nextScan(scan, progress, wanted)
  if (walked === undefined) return { scan: next }
  const isEnough = next.by === 'message' && costOf(next) < MOST_GROWTH.message * costOf(scan)
  return isEnough || costOf(next) <= walked ? { scan: next, walked } : walkFirst(powerOfTwo(costOf(next)), next)
}

/** In descents. */
const costOf = (scan: BackwardScan): number =>
  scan.by === 'message' ? scan.rows / MESSAGES_A_DESCENT : scan.clients + scan.guests

/**
 * The scan to try after one that found too few of the wanted chats, from its yield. Rows are powers of two: they are part
 * of the statement, so that the planner knows them, and a connection keeps the plan of each statement.
 */
export const nextScan = (
  scan: BackwardScan,
  { clientsYield, guestsYield }: PageProgress,
  wanted: number,
): BackwardScan => {
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

const afterWalk = (rows: number, all: Yield, wanted: number): BackwardScan => {
  const isFlood = needed(rows, all, wanted) > MOST_MESSAGES && rows >= FLOOD * all.pairs
  if (isFlood || rows >= MOST_MESSAGES) return FIRST_HOURS
  return { by: 'message', rows: Math.min(grown('message', rows, all, wanted), MOST_MESSAGES) }
}

const grown = (by: BackwardScan['by'], rows: number, came: Yield, wanted: number): number =>
  Math.min(Math.max(needed(rows, came, wanted), 2 * rows), MOST_GROWTH[by] * rows)

const needed = (rows: number, { found }: Yield, wanted: number): number =>
  powerOfTwo((RESERVE * rows * wanted) / Math.max(found, 1))

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(least))
