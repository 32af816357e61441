import type { Micros } from './micros.js'
import { compare, endOf, START, type Place, type PollCursor } from './poll-cursor.js'

/** A transaction that was open before polling began may have begun that much earlier. */
const BEGUN_BEFORE: Micros = 60_000_000n

/** Polling begins in an empty chat. */
const EMPTY: PollCursor = { last: START, settled: START, seen: [] }

/**
 * Polling begins behind a page, of which nothing is known but what it shows. It is known of no transaction when it began.
 * @param page newest first
 * @param readOlder the places of up to so many messages before the oldest of the page, newest first
 */
export const beginPolling = async (
  page: readonly Place[],
  readOlder: ((limit: number) => Promise<readonly Place[]>) | undefined,
): Promise<PollCursor> => {
  const [last] = page
  const oldest = page.at(-1)
  if (last === undefined || oldest === undefined) return EMPTY
  // A message may be from the future.
  const now = BigInt(Date.now()) * 1_000n
  const from = endOf((last.at < now ? last.at : now) - BEGUN_BEFORE)
  const isAbove = (place: Place): boolean => compare(place, from) > 0
  const older = isAbove(oldest) ? ((await readOlder?.(MOST_OLDER)) ?? []) : []
  const seen = [...page, ...older].filter(isAbove)
  // In a busy chat, not a minute.
  const settled = older.length === MOST_OLDER ? (older.filter(isAbove).at(-1) ?? from) : from
  return { last, settled, seen: seen.filter((place) => compare(place, settled) > 0).toReversed() }
}

const MOST_OLDER = 200
