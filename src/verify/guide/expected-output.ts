import type { Fence, FenceLine } from './markdown.js'

/** A part of a line of the guide. */
export interface Span {
  readonly line: FenceLine
  /** Index in the text of the line. */
  readonly start: number
  /** At least 1. */
  readonly length: number
}

export interface ExpectedCell extends Span {
  /** Without the white space that aligns it; a line break in it is a line feed. */
  readonly text: string
}

export interface ExpectedTable {
  readonly head: readonly ExpectedCell[]
  readonly rows: readonly (readonly ExpectedCell[])[]
  /** Its last line. */
  readonly end: FenceLine
}

/** Why an output cannot be read as what psql prints. */
export class UnreadableOutput extends Error {
  override readonly name = 'UnreadableOutput'
  constructor(
    message: string,
    readonly line: FenceLine,
  ) {
    super(message)
  }
}

/**
 * Reads the tables of an expected output as psql prints them: aligned, with or without a frame.
 * @throws UnreadableOutput
 */
export const readOutput = ({ lines, number }: Fence): readonly ExpectedTable[] => {
  const tables: ExpectedTable[] = []
  for (let index = 0; index < lines.length;) {
    const [line, next] = lines.slice(index)
    if (line === undefined) break
    if (next !== undefined && isHead(line, next)) {
      const { table, length } = readTable(lines.slice(index))
      tables.push(table)
      index += length
    } else if (isNoted(line)) index += 1
    else throw new UnreadableOutput('this line belongs to no table as psql prints it', line)
  }
  if (tables.length > 0) return tables
  const first = lines[0] ?? { number, text: '', source: '', start: 0 }
  throw new UnreadableOutput('there is no table as psql prints it', first)
}

/** A rule of a table as psql prints it, in any of its line styles, or of Markdown. */
export const isRule = (line: string): boolean => /^\s*[|+├┌└]?[-─]+([|+┼┬┴][-─]+)*[|+┤┐┘]?\s*$/.test(line)

const isHead = (line: FenceLine, next: FenceLine): boolean =>
  line.text.trim() !== '' && !isRule(line.text) && isRule(next.text) && !(isFrame(next) && !isFramed(line))

// The rule above a framed head: what stands before it is no head.
const isFrame = ({ text }: FenceLine): boolean => /^\s*[+┌]/.test(text)
const isFramed = ({ text }: FenceLine): boolean => /^\s*[|│]/.test(text)

/** What may stand around tables: nothing, a frame, a comment, and what `\timing` adds. */
const isNoted = ({ text }: FenceLine): boolean =>
  text.trim() === '' || isRule(text) || /^\s*(--|#)\s|^Time: /.test(text)

const FOOTER = /^\s*\((\d+) rows?\)\s*$/

const readTable = (lines: readonly FenceLine[]): { readonly table: ExpectedTable; readonly length: number } => {
  const [head, rule, ...below] = lines
  if (head === undefined || rule === undefined) throw new TypeError('a table has a head and a rule')
  const layout = layoutOf(rule)
  const body = bodyOf(below, layout.columns.length)
  const behind = below.slice(body.length)
  const frame = layout.isFramed && behind[0] !== undefined && isRule(behind[0].text) ? 1 : 0
  const footer = behind[frame]
  const counted = FOOTER.exec(footer?.text ?? '')?.[1]
  const end = (counted === undefined ? body.at(-1) : footer) ?? rule
  const table = { head: cellsOf(head, layout), rows: rowsOf(body, layout), end }
  if (counted !== undefined && Number(counted) !== table.rows.length)
    throw new UnreadableOutput(`the table has ${table.rows.length} of the rows that are counted here`, end)
  return { table, length: 2 + body.length + frame + (counted === undefined ? 0 : 1) }
}

/** In a table of one column, an empty line is a row if a count of rows follows. */
const bodyOf = (below: readonly FenceLine[], columns: number): readonly FenceLine[] => {
  const isAtFooter = ({ text }: FenceLine): boolean => FOOTER.test(text) || isRule(text)
  const footer = below.findIndex(isAtFooter)
  const end = below.findIndex((line) => isAtFooter(line) || line.text.trim() === '')
  const mayBeEmpty = columns === 1 && FOOTER.test(below[footer]?.text ?? '')
  const length = mayBeEmpty ? footer : end
  return length === -1 ? below : below.slice(0, length)
}

interface Layout {
  /** Index and width of each column in a line. */
  readonly columns: readonly { readonly start: number; readonly width: number }[]
  readonly separator: string
  readonly isFramed: boolean
}

const layoutOf = ({ text }: FenceLine): Layout => {
  const columns = Array.from(text.matchAll(/[-─]+/g), ({ index, 0: dashes }) => ({
    start: index,
    width: dashes.length,
  }))
  return { columns, separator: text.includes('─') ? '│' : '|', isFramed: /^\s*[|+├]/.test(text) }
}

interface RawCell {
  readonly start: number
  readonly raw: string
}

const cellsOf = (line: FenceLine, layout: Layout): readonly ExpectedCell[] =>
  splitLine(line, layout).map(({ start, raw }) => toCell(line, start, raw))

const toCell = (line: FenceLine, start: number, raw: string): ExpectedCell => {
  const text = raw.trim()
  const indent = text === '' ? Math.min(1, raw.length) : raw.indexOf(text)
  return { line, start: start + indent, length: Math.max(1, text.length), text }
}

const splitLine = (line: FenceLine, layout: Layout): readonly RawCell[] => {
  const { columns, separator, isFramed } = layout
  const parts = splitAt(line.text, separator)
  const cells = isFramed ? parts.slice(1, parts.at(-1)?.raw.trim() === '' ? -1 : undefined) : parts
  if (cells.length === columns.length) return cells
  // A cell may contain the separator: then the rule says where the columns begin.
  const aligned = columns.map(({ start, width }, index) => {
    const isLast = index === columns.length - 1 && !isFramed
    return { start, raw: line.text.slice(start, isLast ? undefined : start + width) }
  })
  const isAligned = columns.every(({ start }, index) => index === 0 || line.text[start - 1] === separator)
  if (isAligned && cells.length > columns.length) return aligned
  throw new UnreadableOutput(`the rule has ${columns.length} columns, this line ${cells.length}`, line)
}

const splitAt = (text: string, separator: string): readonly RawCell[] => {
  let start = 0
  return text.split(separator).map((raw) => {
    const cell = { start, raw }
    start += raw.length + 1
    return cell
  })
}

/** A cell with line breaks takes several lines: each but the last has a sign at the end of the column. */
const rowsOf = (body: readonly FenceLine[], layout: Layout): readonly (readonly ExpectedCell[])[] => {
  const rows: ExpectedCell[][] = []
  let goesOn: readonly boolean[] = []
  for (const line of body) {
    const cells = splitLine(line, layout)
    const before = goesOn.includes(true) ? rows.at(-1) : undefined
    const marks = cells.map(({ raw }, index) => isBroken(raw, layout.columns[index]?.width))
    const found = cells.map(({ start, raw }, index) =>
      toCell(line, start, marks[index] === true ? raw.slice(0, -1) : raw),
    )
    if (before === undefined) rows.push(found)
    else
      for (const [index, cell] of before.entries()) {
        if (goesOn[index] === true) before[index] = { ...cell, text: `${cell.text}\n${found[index]?.text ?? ''}` }
      }
    goesOn = marks
  }
  return rows
}

const isBroken = (raw: string, width: number | undefined): boolean => raw.length === width && /[+↵]$/.test(raw)
