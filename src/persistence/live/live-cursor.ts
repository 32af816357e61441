import { notACursor } from '../ids/cursor.js'
import { isId, LARGEST_ID } from '../ids/ids.js'
import type { OpenTransaction } from '../polling/open-transactions.js'
import { formatInteger, formatOpen, parseInteger, parseOpen, splitList } from '../polling/cursor-text.js'
import { watchOn, type Watching } from '../polling/watch.js'
import { within, withoutId, withRange, type IdRange, type IdRanges } from './ranges.js'

/** Whether the sequence of the ids counts up or down. */
export type Direction = 1 | -1

/**
 * Which messages were delivered: all that are visible up to the id `last`, without the missing ones. Ids are given out in order,
 * and become visible in any order, or never; one that is missing stays so until the transactions that were open when it was given
 * out have ended. `last` is the id of a message, as what a sequence gave out after the last commit is given out again after a crash.
 */
export interface LiveCursor extends Watching {
  readonly last: number
  readonly missing: IdRanges
}

/** With so many gaps, a transaction that has not written to the table no longer keeps them. */
const MANY_MISSING = 500
/** A cursor with so many gaps waits for the transactions that were open, and does not go on meanwhile. */
const MOST_MISSING = 10_000

export const isFull = ({ missing }: LiveCursor): boolean => missing.length >= MOST_MISSING

/** The ids behind a place, up to another. */
export const between = (last: number, end: number, direction: Direction): IdRange =>
  direction === 1 ? [last + 1, end] : [end, last - 1]

export const furthest = (ids: readonly number[], from: number, direction: Direction): number =>
  ids.reduce((a, b) => (direction === 1 ? Math.max(a, b) : Math.min(a, b)), from)

export const isBehind = (id: number, other: number, direction: Direction): boolean =>
  direction === 1 ? id < other : id > other

/**
 * The cursor after a reading, none of whose messages was delivered yet.
 * @param ids of its messages
 * @param open the transactions of others that were open after its snapshot was taken
 */
export const extended = (
  cursor: LiveCursor,
  ids: readonly number[],
  open: readonly OpenTransaction[],
  direction: Direction,
): LiveCursor => {
  const last = furthest(ids, cursor.last, direction)
  const missing = withRange(cursor.missing, between(cursor.last, last, direction))
  // The last of them is visible to the snapshot, so all up to there was given out before the look at the open transactions.
  const sighting = { at: BigInt(last), open, isMuch: cursor.missing.length > MANY_MISSING }
  return { last, missing, ...watchOn(cursor, sighting) }
}

export const delivered = (cursor: LiveCursor, id: number): LiveCursor => ({
  ...cursor,
  missing: withoutId(cursor.missing, id),
})

/**
 * The cursor after all messages of a reading were delivered, and there were no more: of what could only come from transactions
 * that had ended before it, nothing will come.
 * @param before the cursor of the reading
 */
export const settled = (cursor: LiveCursor, { ended }: LiveCursor, direction: Direction): LiveCursor => {
  if (ended === undefined) return cursor
  const open = direction === 1 ? Number(ended) + 1 : Number(ended) - 1
  return { ...cursor, missing: within(cursor.missing, direction === 1 ? [open, LARGEST_ID] : [-LARGEST_ID, open]) }
}

/** A text that is safe in a URL. */
export const formatLiveCursor = ({ last, missing, ended, watch }: LiveCursor): string =>
  [
    VERSION,
    formatId(last),
    ended === undefined ? '' : formatInteger(ended),
    watch === undefined ? '' : formatInteger(watch.since),
    formatOpen(watch?.open ?? []),
    missing.map(([first, last]) => `${formatId(first)}.${formatId(last)}`).join('_'),
  ].join('~')

const VERSION = 'live1'

/** @throws InvalidCall `invalid_cursor` for text that is not one */
export const parseLiveCursor = (text: string): LiveCursor => {
  const [version, last = '', ended = '', since = '', open = '', missing = ''] = text.split('~')
  try {
    const cursor = {
      last: parseId(last),
      ended: ended === '' ? undefined : parseInteger(ended),
      watch: since === '' ? undefined : { since: parseInteger(since), open: parseOpen(open) },
      missing: splitList(missing).map((range): IdRange => {
        const [first = '', end = ''] = range.split('.')
        return [parseId(first), parseId(end)]
      }),
    }
    // The smallest change to it is noticed.
    if (version === VERSION && formatLiveCursor(cursor) === text) return cursor
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw notACursor(text)
}

const formatId = (id: number): string => formatInteger(BigInt(id))

const parseId = (text: string): number => {
  const id = Number(parseInteger(text))
  if (!isId(id)) throw new SyntaxError(`${text} is no id`)
  return id
}
