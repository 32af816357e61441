/** A place in a file, both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** A schema in the part of Prisma's language that the parser knows. */
export interface ParsableText {
  readonly text: string
  /** The first character that is not valid where it stands: the parser skips such without a word. */
  readonly invalidAt: Place | undefined
}

/**
 * Prisma allows comments between slashes and asterisks, and letters beyond ASCII in names; the parser knows neither. Comments are left
 * out here, and such letters are written in ASCII. Every line stays where it is.
 */
export const toParsable = (original: string): ParsableText => {
  let invalidAt: Place | undefined
  const text = original.replace(SPECIAL, (found: string, index: number) => {
    if (found.startsWith('"') && found.length > 1) return found
    if (found.startsWith('//') || found === BYTE_ORDER_MARK) return ''
    if (found.startsWith('/*')) return found.replace(/[^\r\n]/g, ' ')
    if (LETTER.test(found)) return `Zu${found.codePointAt(0)?.toString(16)}Z`
    invalidAt ??= placeOf(original, index)
    return found
  })
  // A blank there is valid, but the parser does not expect it.
  return { text: text.replace(/\{[ \t]+$/gm, '{'), invalidAt }
}

const BYTE_ORDER_MARK = '\ufeff'

/** A string, both kinds of comments, what is beyond ASCII, and what belongs to no token. */
const SPECIAL = /"(?:[^"\\\r\n]|\\.)*"|\/\/.*|\/\*[\s\S]*?\*\/|[^\p{ASCII}]|[^\w\s@.?{}()[\],:=+-]/gu

const LETTER = /^[\p{L}\p{M}\p{N}]$/u

/** A parsed value, with its names as they stand in the file. */
export const asWritten = <T>(value: T): T => withNames(value) as T

const withNames = (value: unknown): unknown => {
  if (typeof value === 'string') return namesAsWritten(value)
  if (Array.isArray(value)) return value.map(withNames)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withNames(one)]))
}

/** Parsable text as it stands in the file, but for comments. */
export const namesAsWritten = (text: string): string =>
  text.replace(/Zu([0-9a-f]+)Z/g, (_found, code: string) => String.fromCodePoint(parseInt(code, 16)))

const placeOf = (text: string, index: number): Place => {
  const lines = text.slice(0, index).split('\n')
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 }
}
