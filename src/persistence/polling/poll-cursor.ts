import { formatCursor, notACursor, parseCursor } from '../ids/cursor.js'
import { LARGEST_ID } from '../ids/ids.js'
import { formatInteger, formatOpen, parseInteger, parseOpen, splitList } from './cursor-text.js'
import { toCursorInstant, toMicros, type Micros } from './micros.js'
import type { Watching } from './watch.js'

/** A place in the order of a chat's messages. */
export interface Place {
  readonly at: Micros
  readonly id: number
}

/** Where polling goes on: what a `nextAfter` holds. */
export interface PollCursor extends Watching {
  /** The last place of all that was returned. */
  readonly last: Place
  /** No message up to here can still become visible: what is returned next is behind it. */
  readonly settled: Place
  /** What was returned behind `settled`, in order. */
  readonly seen: readonly Place[]
}

export const compare = (a: Place, b: Place): number => (a.at === b.at ? a.id - b.id : a.at < b.at ? -1 : 1)

/** The place behind all messages of a moment. */
export const endOf = (at: Micros): Place => ({ at, id: LARGEST_ID })

/** Before everything: in an empty chat every message is later. */
export const START: Place = { at: toMicros('0001-01-01 00:00:00.000000'), id: -LARGEST_ID }

/** The place from which a page is read; what was seen behind it is left out. */
export const scanFrom = ({ last, settled }: PollCursor): Place => (compare(settled, last) > 0 ? last : settled)

/** A text that is safe in a URL. `getChatHistory` takes it as `before`, too, which reads only its first part. */
export const formatPollCursor = ({ last, settled, seen, ended, watch }: PollCursor): string =>
  [
    formatCursor({ createdAt: toCursorInstant(last.at), id: last.id }),
    formatPlaces([settled], { at: 0n, id: 0 }),
    ended === undefined ? '' : formatInteger(ended),
    watch === undefined ? '' : formatInteger(watch.since),
    formatOpen(watch?.open ?? []),
    formatPlaces(seen, settled),
  ].join('~')

/**
 * A cursor of an earlier version, or made by hand, is a place alone: all up to there counts as settled.
 * @throws InvalidCall `invalid_cursor` for text that is not a cursor
 */
export const parsePollCursor = (text: string): PollCursor => {
  const { createdAt, id } = parseCursor(text)
  const last = { at: toMicros(createdAt), id }
  const [, ...parts] = text.split('~')
  if (parts.length === 0) return { last, settled: last, seen: [] }
  try {
    const [place = '', ended = '', since = '', open = '', seen = ''] = parts
    const [settled = last] = parsePlaces(place, { at: 0n, id: 0 })
    const cursor = {
      ...{ last, settled, seen: parsePlaces(seen, settled) },
      ended: ended === '' ? undefined : parseInteger(ended),
      watch: since === '' ? undefined : { since: parseInteger(since), open: parseOpen(open) },
    }
    // The smallest change to it is noticed.
    if (formatPollCursor(cursor) === text) return cursor
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw notACursor(text)
}

/** Each place as its distance from the one before it. */
const formatPlaces = (places: readonly Place[], from: Place): string =>
  places
    .map(({ at, id }, index) => {
      const before = places[index - 1] ?? from
      return `${formatInteger(at - before.at)}.${formatInteger(BigInt(id) - BigInt(before.id))}`
    })
    .join('_')

const parsePlaces = (text: string, from: Place): readonly Place[] => {
  let before = from
  return splitList(text).map((part) => {
    const [at = '', id = ''] = part.split('.')
    before = { at: before.at + parseInteger(at), id: Number(BigInt(before.id) + parseInteger(id)) }
    return before
  })
}
