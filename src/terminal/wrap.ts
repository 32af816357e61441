import { stripVTControlCharacters } from 'node:util'

/**
 * Breaks lines that are longer than `width` between words. A command or SQL statement to be typed stays whole, on a line of its
 * own if it must: the terminal wraps it, and it can be copied.
 * @param hang indent of the lines that follow; by default that of the line's text
 */
export const wrapText = (text: string, width: number, hang?: number): string =>
  text
    .split('\n')
    .map((line) => wrapLine(line, width, hang ?? hangOf(stripVTControlCharacters(line), width)))
    .join('\n')

/** As many words as fit into one line. */
export const fitLine = (line: string, width: number): string => {
  if (lengthOf(line) <= width) return line
  const cut = line.slice(0, width - 1)
  const words = cut.includes(' ') ? cut.slice(0, cut.lastIndexOf(' ')) : cut
  return `${words.replace(/[,;:]$/, '')}…`
}

/** Characters that a text takes on a terminal. */
export const lengthOf = (text: string): number => Array.from(stripVTControlCharacters(text)).length

/** Rows that a text takes on a terminal of this width, where it is wrapped. */
export const rowsOf = (text: string, width: number): number =>
  wrapText(text, width)
    .split('\n')
    .reduce((rows, line) => rows + Math.max(1, Math.ceil(lengthOf(line) / width)), 0)

const wrapLine = (line: string, width: number, indent: number): string => {
  // A line of JSON is for programs.
  if (lengthOf(line) <= width || line.startsWith('{')) return line
  const hang = ' '.repeat(indent)
  const lines: string[] = []
  let current = ''
  for (const { gap, word } of wordsOf(line)) {
    const longer = `${current}${gap}${word}`
    const isAfterLongName = gap.length > 1 && lengthOf(current) + gap.length > width / 2
    const isFirst = current.trim() === '' || lengthOf(current) + gap.length === indent
    if (isFirst || (lengthOf(longer) <= width && !isAfterLongName)) current = longer
    else {
      lines.push(current)
      current = `${hang}${word}`
    }
  }
  // A question ends with a space.
  return [...lines, current].join('\n') + (/ *$/.exec(line)?.[0] ?? '')
}

/** Where the later lines of a wrapped line begin: behind its name, as in `refused  why`, else two columns further in. */
const hangOf = (line: string, width: number): number => {
  const [name = ''] = /^ *\S.*? {2,}(?=\S)/.exec(line) ?? []
  if (name !== '' && name.length <= width / 2) return name.length
  const [indent = ''] = /^ */.exec(line) ?? []
  return Math.min(indent.length + 2, Math.floor(width / 2))
}

interface Word {
  /** The spaces before it. */
  readonly gap: string
  readonly word: string
}

const wordsOf = (line: string): readonly Word[] =>
  Array.from(line.matchAll(WORDS), ({ groups }) => ({ gap: groups?.gap ?? '', word: groups?.word ?? '' }))

// The demo paints commands.
const COMMAND = String.raw`(?:\u001b\[\d+m)?chatkeep (?:replay \S+|explain \S+|[a-z]+)(?: --?[\w-]+(?:[ =](?:'[^']*'|[^\s'-]\S*))?)*\S*`

// Only where a statement begins, and prose does not go on: a sentence may begin with REINDEX CONCURRENTLY.
const VERBS =
  'ALTER|ANALYZE|COMMENT|CREATE|DELETE|DO|DROP|GRANT|INSERT|REINDEX|REVOKE|ROLLBACK|SELECT|SET|UPDATE|VACUUM'
const STATEMENT = String.raw`(?<=^ *|: | {2})(?:${VERBS}) (?=[A-Z"$*(]|pg_\w+\()(?![^'"($;]* [a-z]+,? [a-z]).*`

const WORDS = new RegExp(`(?<gap> *)(?<word>${COMMAND}|${STATEMENT}|\\S+)`, 'g')
