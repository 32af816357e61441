import type { Excerpt } from '../finding.js'

/** Where nothing says how wide a line may be. */
const DEFAULT_WIDTH = 120
const NARROWEST = 20
const GUTTER_WIDTH = 8

/** The line with its number, and carets below what is marked. Of a long line, what surrounds the first mark is shown. */
export const excerptLines = ({ line, text, marks }: Excerpt, width = DEFAULT_WIDTH): readonly string[] => {
  const isMarked = (at: number): boolean => marks.some(({ start, length }) => at >= start && at < start + length)
  // A mark may stand behind the end of the line.
  const end = Math.max(text.length, ...marks.map(({ start, length }) => start + length))
  const characters = charactersOf(text.replaceAll('\t', ' ').padEnd(end))
  const signs = characters.map(({ at }) => (isMarked(at) ? '^' : ' ')).join('')
  const shown = characters.map(({ character }) => character).join('')
  const most = Math.max(NARROWEST, Math.min(width, DEFAULT_WIDTH) - GUTTER_WIDTH)
  const from = characters.length <= most ? 0 : Math.max(0, signs.indexOf('^') - Math.floor(most / 3))
  const cut = (whole: string): string =>
    Array.from(whole)
      .slice(from, from + most)
      .join('')
      .trimEnd()
  return [`${String(line).padStart(4)} | ${cut(shown)}`, `     | ${cut(signs)}`]
}

/** Characters with their indexes: some take two units of a string. */
const charactersOf = (text: string): readonly { readonly character: string; readonly at: number }[] => {
  let at = 0
  return Array.from(text, (character) => {
    at += character.length
    return { character, at: at - character.length }
  })
}
