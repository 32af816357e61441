/** A moment as the store's SQL returns it: seconds since 1970, to the microsecond. */
export type InstantText = string

/**
 * SQL for a moment of a `timestamp` column, which holds UTC. The text of a timestamp depends on DateStyle, which is the
 * application's in the store's sessions, and its JavaScript form on the type parsers of a caller's pool; this depends on neither.
 */
export const instantSql = (column: string): string => `extract(epoch FROM ${column})::text`

/** The last moment that a `Date` can have; PostgreSQL has later ones, and infinity. */
const LAST_MS = 8_640_000_000_000_000

/** The moment in whole milliseconds, rounded down, as the driver rounds. */
export const toInstant = (text: InstantText): Date => {
  if (text.endsWith('Infinity')) return new Date(text.startsWith('-') ? -LAST_MS : LAST_MS)
  // Always six decimals. A number would lose the last of them.
  const micros = BigInt(text.replace('.', ''))
  const sinceMs = ((micros % 1_000n) + 1_000n) % 1_000n
  return new Date(Math.min(Math.max(Number((micros - sinceMs) / 1_000n), -LAST_MS), LAST_MS))
}
