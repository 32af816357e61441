import type { Micros } from './micros.js'
import type { OpenTransaction } from './open-transactions.js'
import { compare, endOf, type Place, type PollCursor } from './poll-cursor.js'
import { watchOn } from './watch.js'

/** Most messages that a cursor remembers; a page ends before it would forget one. */
export const MOST_SEEN = 1_000
/** With more than these, a transaction that has not written to the table no longer keeps them in the cursor. */
export const MANY_SEEN = 500

/**
 * How much earlier than its transaction a message may be: the server takes the time of a transaction just before it shows the
 * transaction to others, and an application that takes the time itself may then have waited for a connection.
 */
const MARGIN: Micros = 10_000_000n
/** The same in a chat so busy that the messages of ten seconds are too many. */
const LEAST_MARGIN: Micros = 1_000_000n

/** What was read for a page, in one statement. */
export interface Reading {
  /** Places of messages behind the place from which the cursor reads, without those that it has seen, in order. */
  readonly found: readonly Place[]
  /** Whether there were more than these. */
  readonly more: boolean
  /** When the statement began. */
  readonly now: Micros
  /** The transactions of others that were open after its snapshot was taken. */
  readonly open: readonly OpenTransaction[]
}

export interface Advance {
  /** How many of the found messages belong to the page. */
  readonly count: number
  readonly next: PollCursor
}

/** Decides where a page ends, and what its cursor remembers. */
export const advance = (cursor: PollCursor, reading: Reading): Advance => {
  const all = pageOf(cursor, reading, MARGIN)
  const { count, settled } = all.count === reading.found.length ? all : pageOf(cursor, reading, LEAST_MARGIN)
  const page = reading.found.slice(0, count)
  return {
    count,
    next: {
      last: [cursor.last, ...page].reduce(later),
      settled,
      seen: [...cursor.seen, ...page].sort(compare).filter((place) => compare(place, settled) > 0),
      ...watchOn(cursor, { at: reading.now, open: reading.open, isMuch: cursor.seen.length > MANY_SEEN }),
    },
  }
}

const pageOf = ({ settled, seen, ended }: PollCursor, { found, more }: Reading, margin: Micros) => {
  // Those transactions had ended before the snapshot of this page was taken.
  const until = ended === undefined ? settled : later(settled, endOf(ended - margin))
  const isKept = (place: Place): boolean => compare(place, until) > 0
  const room = Math.max(0, MOST_SEEN - seen.filter(isKept).length)
  const count = found.length - Math.max(0, found.filter(isKept).length - room)
  const lastOfPage = found[count - 1]
  const isWhole = count === found.length && !more
  return { count, settled: isWhole || lastOfPage === undefined ? until : earlier(until, lastOfPage) }
}

const later = (a: Place, b: Place): Place => (compare(a, b) < 0 ? b : a)

const earlier = (a: Place, b: Place): Place => (compare(a, b) < 0 ? a : b)
