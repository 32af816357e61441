/** A row as JSON has it. A number that JavaScript cannot hold without rounding is a string. */
export type ExportedRow = Readonly<Record<string, unknown>>

// Strings are skipped: a text may contain a number.
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g

/** Reads a row that is JSON text. */
export const toExactRow = (text: string): ExportedRow =>
  JSON.parse(text.replace(STRING_OR_NUMBER, (found) => (isRounded(found) ? `"${found}"` : found))) as ExportedRow

const isRounded = (found: string): boolean =>
  !found.startsWith('"') && digitsOf(found) !== digitsOf(String(Number(found)))

/** The digits that make a difference: 1.50 and 15e3 have the same. */
const digitsOf = (number: string): string =>
  number
    .replace(/e.*/i, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '')
