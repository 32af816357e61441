import type { FenceLine } from './markdown.js'
import type { ExpectedCell, ExpectedTable } from './expected-output.js'
import { isPrintedAs } from './psql-text.js'

/** What a query returned, in the server's text; null is NULL. */
export interface QueryTable {
  readonly columns: readonly string[]
  readonly rows: readonly ActualRow[]
  /** There are more rows than were fetched. */
  readonly isCut: boolean
}

export type ActualRow = readonly (string | null)[]

type ExpectedRow = readonly ExpectedCell[]

/** A difference between a table of the guide and the result of its query. */
export type Difference =
  | {
      readonly kind: 'columns'
      readonly head: ExpectedRow
      readonly actual: readonly string[]
      readonly wrong: ExpectedRow
    }
  | { readonly kind: 'cells'; readonly row: ExpectedRow; readonly actual: ActualRow; readonly wrong: ExpectedRow }
  | { readonly kind: 'missing'; readonly row: ExpectedRow }
  | { readonly kind: 'unexpected'; readonly actual: ActualRow; readonly at: FenceLine }
  | { readonly kind: 'too_many'; readonly expected: number; readonly atLeast: number; readonly at: FenceLine }

/**
 * Compares cell by cell: names of the columns, then rows. Without an ORDER BY the server may return rows in any order, so
 * only with one does their order count.
 */
export const compareTables = (
  { head, rows, end }: ExpectedTable,
  actual: QueryTable,
  isOrdered: boolean,
): readonly Difference[] => {
  const wrong = head.filter(({ text }, index) => text !== actual.columns[index])
  const columns: readonly Difference[] =
    wrong.length === 0 && head.length === actual.columns.length
      ? []
      : [{ kind: 'columns', head, actual: actual.columns, wrong: wrong.length === 0 ? head.slice(-1) : wrong }]
  if (head.length !== actual.columns.length) return columns
  if (actual.isCut)
    return [...columns, { kind: 'too_many', expected: rows.length, atLeast: actual.rows.length, at: end }]
  const left = isOrdered ? withoutEqualEnds(rows, actual.rows) : withoutEqualRows(rows, actual.rows)
  const pairs = (isOrdered ? inOrder(left) : bySimilarity(left)).filter(
    ([row, found]) => row === undefined || found === undefined || !equals(row, found),
  )
  return [...columns, ...pairs.map(([row, found]) => differenceOf(row, found, end))]
}

interface Rows {
  readonly expected: readonly ExpectedRow[]
  readonly actual: readonly ActualRow[]
}

type Pair = readonly [ExpectedRow, ActualRow] | readonly [ExpectedRow, undefined] | readonly [undefined, ActualRow]

const equals = (row: ExpectedRow, actual: ActualRow): boolean => equalCells(row, actual) === row.length

const equalCells = (row: ExpectedRow, actual: ActualRow): number =>
  row.filter(({ text }, index) => isPrintedAs(actual[index] ?? null, text)).length

const withoutEqualEnds = (expected: readonly ExpectedRow[], actual: readonly ActualRow[]): Rows => {
  const equalAt = (from: number, to: number): boolean => {
    const [row, found] = [expected.at(from), actual.at(to)]
    return row !== undefined && found !== undefined && equals(row, found)
  }
  const most = Math.min(expected.length, actual.length)
  let start = 0
  while (start < most && equalAt(start, start)) start += 1
  let end = 0
  while (end < most - start && equalAt(-1 - end, -1 - end)) end += 1
  return { expected: expected.slice(start, expected.length - end), actual: actual.slice(start, actual.length - end) }
}

const withoutEqualRows = (expected: readonly ExpectedRow[], actual: readonly ActualRow[]): Rows => {
  const left = [...actual]
  return {
    expected: expected.filter((row) => {
      const at = left.findIndex((found) => equals(row, found))
      if (at !== -1) left.splice(at, 1)
      return at === -1
    }),
    actual: left,
  }
}

const inOrder = ({ expected, actual }: Rows): readonly Pair[] => [
  ...expected.map((row, index): Pair => {
    const found = actual[index]
    return found === undefined ? [row, undefined] : [row, found]
  }),
  ...actual.slice(expected.length).map((found): Pair => [undefined, found]),
]

/** Each row with the one that has most cells in common. Rows without a common cell are two differences, unless a cell is all they have. */
const bySimilarity = ({ expected, actual }: Rows): readonly Pair[] => {
  const left = [...actual]
  const paired = expected.map((row): Pair => {
    const scores = left.map((found) => equalCells(row, found))
    const best = Math.max(...scores)
    if (left.length === 0 || (best === 0 && row.length > 1)) return [row, undefined]
    const [found] = left.splice(scores.indexOf(best), 1)
    return found === undefined ? [row, undefined] : [row, found]
  })
  return [...paired, ...left.map((found): Pair => [undefined, found])]
}

const differenceOf = (row: ExpectedRow | undefined, actual: ActualRow | undefined, end: FenceLine): Difference => {
  if (row === undefined) return { kind: 'unexpected', actual: actual ?? [], at: end }
  if (actual === undefined) return { kind: 'missing', row }
  return {
    kind: 'cells',
    row,
    actual,
    wrong: row.filter(({ text }, index) => !isPrintedAs(actual[index] ?? null, text)),
  }
}
