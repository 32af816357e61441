import type { OutputStream } from './output-stream.js'

/** The layout of what goes into a file or a pipe, and of a terminal that does not know its width. */
const DEFAULT_WIDTH = 80

/** A narrower terminal gets the layout of this width. */
const NARROWEST = 40

/** Columns to lay a text out for. As in psql, `COLUMNS` overrides what a terminal says of itself, and means nothing elsewhere. */
export const widthOf = (
  { isTTY, columns }: Pick<OutputStream, 'isTTY' | 'columns'>,
  { COLUMNS = '' }: Readonly<Record<string, string | undefined>>,
): number => {
  if (!isTTY) return DEFAULT_WIDTH
  const chosen = /^\d+$/.test(COLUMNS) ? Number(COLUMNS) : 0
  // A pseudo-terminal may have 0 columns.
  const width = [chosen, columns ?? 0].find((known) => known > 0) ?? DEFAULT_WIDTH
  return Math.max(width, NARROWEST)
}

/** Rows of a terminal that does not know its height. */
const DEFAULT_HEIGHT = 24

/** Rows that a text should fit into; without a terminal there is no end. */
export const heightOf = ({ isTTY, rows = 0 }: Pick<OutputStream, 'isTTY' | 'rows'>): number => {
  if (!isTTY) return Number.POSITIVE_INFINITY
  return rows > 0 ? rows : DEFAULT_HEIGHT
}
