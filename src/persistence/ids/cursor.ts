import { quoted, shown } from '../../check-options.js'
import { InvalidCall } from '../errors.js'
import { isId } from './ids.js'

/** A position in rows that are ordered by (createdAt, id). */
export interface Position {
  /** `YYYY-MM-DD HH24:MI:SS.US`, UTC, with microseconds, which a `Date` would lose. */
  readonly createdAt: string
  readonly id: number
}

/** What follows a tilde is for polling. */
const CURSOR = /^(-?infinity|\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6})_(-?\d{1,16})(?:~[-~._0-9a-z]*)?$/

/** SQL for the cursor of a message of the alias `m`. The text of infinity has no pattern. */
export const cursorSql = (instant = 'm."createdAt"'): string =>
  `coalesce(to_char(${instant}, 'YYYY-MM-DD HH24:MI:SS.US'), (${instant})::text) || '_' || m."id"`

export const formatCursor = ({ createdAt, id }: Position): string => `${createdAt}_${id}`

/** @throws InvalidCall `invalid_cursor` for text that is not a cursor */
export const parseCursor = (text: unknown): Position => {
  const [, createdAt, id] = typeof text === 'string' ? (CURSOR.exec(text) ?? []) : []
  if (createdAt !== undefined && id !== undefined && isInstant(createdAt) && isId(Number(id))) {
    return { createdAt, id: Number(id) }
  }
  throw notACursor(text)
}

export const notACursor = (text: unknown): InvalidCall =>
  new InvalidCall(
    'invalid_cursor',
    typeof text === 'string'
      ? `${quoted(text)} is not a cursor; pass one back unchanged`
      : `the cursor ${shown(text)}; pass one back unchanged`,
  )

// 31 February matches the pattern, but the server would reject it.
const isInstant = (createdAt: string): boolean => {
  if (createdAt.endsWith('infinity')) return true
  const [date = ''] = createdAt.split(' ')
  const instant = new Date(`${createdAt.replace(' ', 'T')}Z`)
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(date)
}
