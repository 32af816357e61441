import { maskVarying } from './mask-varying.js'

/** No line of a page is longer. */
export const LONGEST_LINE = 160

const OMITTED = '…'

/**
 * Whether a screen is what a page shows, but for what varies. A line `…` of the page stands for any number of lines,
 * and `…` at the end of a line for the rest of that line.
 */
export const showsScreen = (shown: string, actual: string): boolean =>
  matches(linesOf(shown).map(maskVarying), linesOf(actual).map(maskVarying))

const matches = (shown: readonly string[], actual: readonly string[]): boolean => {
  const [first, ...rest] = shown
  if (first === undefined) return actual.length === 0
  if (first === OMITTED)
    return rest.length === 0 || actual.some((_line, skipped) => matches(rest, actual.slice(skipped)))
  const [line] = actual
  return line !== undefined && isSameLine(first, line) && matches(rest, actual.slice(1))
}

const isSameLine = (shown: string, actual: string): boolean =>
  shown === actual || (shown.endsWith(OMITTED) && actual.startsWith(shown.slice(0, -OMITTED.length).trimEnd()))

/**
 * The screen as the page should show it: as many lines at the beginning and at the end as the page shows now around
 * its `…`, each cut at the length that a page allows.
 */
export const redraw = (shown: string, actual: string): string => {
  const lines = linesOf(actual).map(shorten)
  const parts = linesOf(shown)
  const from = parts.indexOf(OMITTED)
  if (from === -1) return textOf(lines)
  const last = parts.length - 1 - parts.lastIndexOf(OMITTED)
  if (parts.includes(OMITTED, from + 1)) throw new Error('a block with more than one line … is mended by hand')
  return textOf([...lines.slice(0, from), OMITTED, ...lines.slice(lines.length - last)])
}

const shorten = (line: string): string => {
  if (line.length <= LONGEST_LINE) return line
  const start = line.slice(0, LONGEST_LINE - OMITTED.length - 1)
  return `${start.slice(0, start.lastIndexOf(' '))} ${OMITTED}`
}

const linesOf = (screen: string): readonly string[] => screen.replace(/\n$/, '').split('\n')
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
