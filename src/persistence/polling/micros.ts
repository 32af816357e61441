import type { InstantText } from '../../database/clock/instant.js'

/** Microseconds since 1970. */
export type Micros = bigint

/** The moment of a cursor, `YYYY-MM-DD HH24:MI:SS.US`. */
export const toMicros = (createdAt: string): Micros => {
  if (createdAt.endsWith('infinity')) return createdAt.startsWith('-') ? FIRST : LAST
  const ms = Date.parse(`${createdAt.slice(0, -3).replace(' ', 'T')}Z`)
  return BigInt(ms) * 1_000n + BigInt(createdAt.slice(-3))
}

/** The other way; what a cursor cannot say becomes the first or the last moment that it can. */
export const toCursorInstant = (at: Micros): string => {
  const within = at < FIRST ? FIRST : at > LAST ? LAST : at
  const micros = ((within % 1_000n) + 1_000n) % 1_000n
  const ms = new Date(Number((within - micros) / 1_000n)).toISOString()
  return `${ms.replace('T', ' ').slice(0, -1)}${micros.toString().padStart(3, '0')}`
}

/** A moment as the store's SQL returns it. */
export const microsOf = (instant: InstantText): Micros => {
  if (instant.endsWith('Infinity')) return instant.startsWith('-') ? FIRST : LAST
  const at = BigInt(instant.replace('.', ''))
  return at < FIRST ? FIRST : at > LAST ? LAST : at
}

const FIRST = toMicros('0001-01-01 00:00:00.000000')
const LAST = toMicros('9999-12-31 23:59:59.999999')
