import { wholeNumber, type Rule } from '../../check-options.js'
import { IdTooLarge } from '../errors.js'

/** The largest id that a number holds exactly; the smallest is its negative. */
export const LARGEST_ID = Number.MAX_SAFE_INTEGER

export const ID: Rule = { ...wholeNumber(-LARGEST_ID), must: `a whole number from -${LARGEST_ID} to ${LARGEST_ID}` }

/** What an id must be, for messages. */
export const ID_RANGE = `must be ${ID.must}`

export const isId = (value: unknown): value is number => Number.isSafeInteger(value)

/** An id as the driver returns it: a bigint column's is a text, or whatever the application's own pool makes of it. */
export type StoredId = number | string | bigint

/** @throws IdTooLarge for one that a number does not hold exactly */
export const toId = (stored: StoredId): number => {
  const id = Number(stored)
  if (!isId(id)) throw new IdTooLarge(String(stored))
  return id
}

/** @throws IdTooLarge */
export const toIdOrNull = (stored: StoredId | null): number | null => (stored === null ? null : toId(stored))

/** The row, with some of its columns as the driver returns ids. */
export type WithStoredIds<Row, Column extends keyof Row> = Omit<Row, Column> & {
  readonly [Name in Column]: StoredId | Extract<Row[Name], null>
}
