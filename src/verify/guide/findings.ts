import type { Blockage } from '../../database/blockers.js'
import { CANCELLED } from '../../database/errors/statement-limit.js'
import { SqlState, type ServerError } from '../../database/sql-state.js'
import { again, chatkeep, or, type Next } from '../../next-step.js'
import { finding, type Finding } from '../finding.js'
import { notRead } from '../timed-out.js'
import type { Difference } from './compare.js'
import type { ExpectedCell, UnreadableOutput } from './expected-output.js'
import type { GUIDE_EXPLANATIONS } from './explanations.js'
import type { Fence, FenceLine } from './markdown.js'
import { describePlace, placeOf } from './place.js'
import { psqlText } from './psql-text.js'

type GuideCode = keyof typeof GUIDE_EXPLANATIONS

type Words = Pick<Finding, 'expected' | 'actual' | 'help'> & Partial<Pick<Finding, 'sqlState' | 'isUnknown'>>

interface Marked {
  readonly line: FenceLine
  readonly spans: readonly { readonly start: number; readonly length: number }[]
}

const at = (file: string, code: GuideCode, { line, spans }: Marked, { isUnknown, ...words }: Words): Finding => {
  const place = placeOf(file, { line, start: spans[0]?.start ?? 0 })
  return {
    ...finding('error', code, { object: describePlace(place), ...words }),
    ...{
      place,
      excerpt: { line: line.number, text: line.text, marks: spans.map(({ start, length }) => ({ start, length })) },
    },
    ...(isUnknown === true ? { isUnknown } : {}),
  }
}

const wholeLine = (line: FenceLine): Marked => {
  const start = line.text.length - line.text.trimStart().length
  return { line, spans: [{ start, length: Math.max(1, line.text.trim().length) }] }
}

/** The expected output is no table that could be compared. */
export const unreadableOutput = (file: string, { line, message }: UnreadableOutput): Finding =>
  at(file, 'guide_output_unreadable', wholeLine(line), {
    expected: 'a table as psql prints it, for each query of the fence',
    actual: message,
    help: 'write the output as psql prints it, or without "Expected output" before it',
  })

/** @param position in the text of the fence, in characters from 1 */
export const invalidSql = (file: string, fence: Fence, message: string, position: number): Finding =>
  at(file, 'guide_query_failed', pointAt(fence, position), {
    expected: 'a query',
    actual: `${message} [${SYNTAX_ERROR}]`,
    help: 'correct the statement',
    sqlState: SYNTAX_ERROR,
  })

const SYNTAX_ERROR = '42601'

/** @param position in the text of the fence, in characters from 1 */
export const failedQuery = (file: string, fence: Fence, error: ServerError, position: number): Finding => {
  const also = [error.detail, error.hint].filter((text) => text !== undefined).map((text) => ` (${text})`)
  return at(file, 'guide_query_failed', pointAt(fence, position), {
    expected: 'a result',
    actual: `${error.message}${also.join('')} [${error.code}]`,
    help: LACKING.includes(error.code) ? COMPARE : CORRECT,
    sqlState: error.code,
  })
}

/** The server did not run the query now, or not for this role: nothing is known to be wrong. */
export const refusedQuery = (
  file: string,
  fence: Fence,
  error: ServerError,
  position: number,
  isTimeout: boolean,
): Finding => {
  const { message } = isTimeout ? CANCELLED.byLimit : CANCELLED.bySomebody
  const isCancelled = error.code === SqlState.queryCanceled
  return at(file, 'guide_query_refused', pointAt(fence, position), {
    expected: 'a result',
    actual: `unknown: ${isCancelled ? `${message} (${error.message})` : error.message} [${error.code}]`,
    help: waysOut(error, isCancelled && isTimeout),
    sqlState: error.code,
    isUnknown: true,
  })
}

const waysOut = ({ code }: ServerError, isTimeout: boolean): Next => {
  if (isTimeout) return again('--statement-timeout 10m')
  return code === SqlState.insufficientPrivilege ? ['connect as a role that may read this', again()] : again()
}

/** A table that the query reads is locked. */
export const lockedQuery = (file: string, { number }: Fence, blockage: Blockage): Finding => ({
  ...notRead({ name: `${file}:${number}` }, blockage),
  place: { file, line: number },
})

const pointAt = ({ lines, number }: Fence, position: number): Marked => {
  let left = position - 1
  for (const line of lines) {
    const characters = Array.from(line.text)
    if (left <= characters.length)
      return { line, spans: [{ start: characters.slice(0, left).join('').length, length: 1 }] }
    left -= characters.length + 1
  }
  return wholeLine(lines.at(-1) ?? { number, text: '', source: '', start: 0 })
}

const LACKING: readonly string[] = [SqlState.undefinedColumn, SqlState.undefinedTable]

const CORRECT: Next = 'correct the guide if it is wrong'

const COMPARE: Next = [chatkeep('verify', 'see what the update lacks'), or('correct the guide if it is wrong')]

export const outputDiffers = (file: string, difference: Difference): Finding => {
  const [marked, expected, actual] = describeDifference(difference)
  return at(file, 'guide_output_differs', marked, {
    expected,
    actual,
    help: difference.kind === 'too_many' ? CORRECT : COMPARE,
  })
}

const describeDifference = (difference: Difference): readonly [Marked, string, string] => {
  switch (difference.kind) {
    case 'columns':
      return [markedCells(difference.wrong), ...aligned(textsOf(difference.head), difference.actual)]
    case 'cells':
      return [markedCells(difference.wrong), ...aligned(textsOf(difference.row), difference.actual.map(psqlText))]
    case 'missing':
      return [markedCells(difference.row), aligned(textsOf(difference.row), [])[0], 'no such row']
    case 'unexpected':
      return [wholeLine(difference.at), 'no such row', aligned([], difference.actual.map(psqlText))[1]]
    case 'too_many':
      return [wholeLine(difference.at), rowCount(difference.expected), `more than ${rowCount(difference.expected)}`]
  }
}

const rowCount = (rows: number): string => `${rows} row${rows === 1 ? '' : 's'}`

const textsOf = (cells: readonly ExpectedCell[]): readonly string[] => cells.map(({ text }) => text)

/** A cell with line breaks stands in several lines; the excerpt shows the first. */
const markedCells = (cells: readonly ExpectedCell[]): Marked => {
  const line = cells[0]?.line ?? { number: 0, text: '', source: '', start: 0 }
  return { line, spans: cells.filter((cell) => cell.line === line) }
}

/** Longer cells are cut around what differs. */
const LONGEST_CELL = 60

/** Two rows, each column as wide in one as in the other. */
const aligned = (expected: readonly string[], actual: readonly string[]): readonly [string, string] => {
  const columns = Array.from({ length: Math.max(expected.length, actual.length) }, (_, index) => {
    const cells = cutAround(expected[index] ?? '', actual[index] ?? '')
    const width = Math.max(...cells.map((cell) => Array.from(cell).length))
    return cells.map((cell) => `${cell}${' '.repeat(width - Array.from(cell).length)}`)
  })
  const row = (which: number, length: number): string =>
    columns
      .slice(0, length)
      .map((cells) => cells[which] ?? '')
      .join(' | ')
      .trimEnd()
  return [row(0, expected.length), row(1, actual.length)]
}

const cutAround = (expected: string, actual: string): readonly [string, string] => {
  const [one, other] = [Array.from(expected), Array.from(actual)]
  if (Math.max(one.length, other.length) <= LONGEST_CELL) return [expected, actual]
  const differs = one.findIndex((character, index) => character !== other[index])
  const from = Math.max(0, (differs === -1 ? Math.min(one.length, other.length) : differs) - LONGEST_CELL / 2)
  const cut = (characters: readonly string[]): string =>
    [
      from > 0 && characters.length > 0 ? '…' : '',
      ...characters.slice(from, from + LONGEST_CELL),
      characters.length > from + LONGEST_CELL ? '…' : '',
    ].join('')
  return [cut(one), cut(other)]
}
