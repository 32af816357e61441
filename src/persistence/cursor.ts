import { ExitCode, OperatorError } from '../errors.js'
import { isId } from './contact.js'

/** A place between two rows that are ordered by (createdAt, id). */
export interface Position {
  /** `YYYY-MM-DD HH24:MI:SS.US`, UTC: to the microsecond, since a `Date` would lose what the column may hold. */
  readonly createdAt: string
  readonly id: number
}

const CURSOR = /^(\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6})_(\d{1,10})$/

/** SQL for the cursor of a message of the alias `m`. */
export const cursorSql = (instant = 'm."createdAt"'): string =>
  `to_char(${instant}, 'YYYY-MM-DD HH24:MI:SS.US') || '_' || m."id"`

/** @throws OperatorError `invalid_cursor` for anything that is not a cursor given out before */
export const parseCursor = (text: string): Position => {
  const [, createdAt, id] = CURSOR.exec(text) ?? []
  if (createdAt !== undefined && id !== undefined && isInstant(createdAt) && isId(Number(id))) {
    return { createdAt, id: Number(id) }
  }
  throw new OperatorError('invalid_cursor', `${JSON.stringify(text)} is no cursor; pass one back as it was given out`, {
    exitCode: ExitCode.no,
  })
}

// A date such as 31 February has the form of one, but the server would refuse it.
const isInstant = (createdAt: string): boolean => {
  const [date = ''] = createdAt.split(' ')
  const instant = new Date(`${createdAt.replace(' ', 'T')}Z`)
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(date)
}
