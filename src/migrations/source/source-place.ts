/** A place in a file, as an editor counts it. */
export interface SourcePlace {
  /** From 1. */
  readonly line: number
  /** In characters, from 1. */
  readonly column: number
  /** The line; of a long one, what surrounds the place. */
  readonly text: string
  /** White space as long as what stands before the place in `text`. */
  readonly indent: string
}

/** How much of a line is shown before and after the place. */
const SHOWN_BEFORE = 80
const SHOWN_AFTER = 80

/** Finds line and column of a position in characters from 1. */
export const locate = (sql: string, position: number): SourcePlace => {
  const at = indexOfCharacter(sql, position - 1)
  const lineStart = sql.lastIndexOf('\n', at - 1) + 1
  const lineEnd = sql.indexOf('\n', at)
  const before = sql.slice(lineStart, at)
  const after = sql.slice(at, lineEnd === -1 ? undefined : lineEnd)
  const shownBefore = before.length > SHOWN_BEFORE ? `…${before.slice(-SHOWN_BEFORE)}` : before
  const shownAfter = after.length > SHOWN_AFTER ? `${after.slice(0, SHOWN_AFTER)}…` : after
  return {
    line: countLines(sql, lineStart),
    column: countCharacters(before) + 1,
    text: shownBefore + shownAfter,
    indent: shownBefore.replaceAll(/[^\t]/gu, ' '),
  }
}

/** The line with its number, and a caret below the place. */
export const sourceLines = ({ line, text, indent }: SourcePlace): readonly string[] => [
  `${String(line).padStart(4)} | ${text}`,
  `     | ${indent}^`,
]

// A character beyond the first 65,536 takes two units of a string.
const indexOfCharacter = (text: string, characters: number): number => {
  let index = 0
  for (let left = characters; left > 0 && index < text.length; left -= 1) index += isPair(text, index) ? 2 : 1
  return index
}

const isPair = (text: string, index: number): boolean => (text.codePointAt(index) ?? 0) > 0xffff

const countCharacters = (text: string): number => {
  let characters = 0
  for (let index = 0; index < text.length; characters += 1) index += isPair(text, index) ? 2 : 1
  return characters
}

const countLines = (text: string, end: number): number => {
  let lines = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
