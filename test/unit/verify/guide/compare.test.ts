import { describe, expect, test } from 'vitest'
import { compareTables, type ActualRow, type Difference } from '../../../../src/verify/guide/compare.js'
import { readOutput } from '../../../../src/verify/guide/expected-output.js'
import { fencesOf } from '../../../../src/verify/guide/markdown.js'

const ROWS = [' 1 | x', ' 2 | y', ' 3 | z']

interface Options {
  readonly columns?: readonly string[]
  readonly isOrdered?: boolean
  readonly isCut?: boolean
}

/** What differs, in a few words: the texts of wrong cells, of missing rows, and of rows that were not expected. */
const compare = (
  rows: readonly string[],
  actual: readonly ActualRow[],
  { columns = ['a', 'b'], isOrdered = false, isCut = false }: Options = {},
): readonly string[] => {
  const [fence] = fencesOf(['```', ' a | b', '---+---', ...rows, '```'].join('\n'))
  const [table] = fence === undefined ? [] : readOutput(fence)
  if (table === undefined) throw new Error('no table')
  return compareTables(table, { columns, rows: actual, isCut }, isOrdered).map(describeDifference)
}

const describeDifference = (difference: Difference): string => {
  switch (difference.kind) {
    case 'columns':
      return `columns ${difference.wrong.map(({ text }) => text).join()}: ${difference.actual.join()}`
    case 'cells':
      return `cells ${difference.wrong.map(({ text }) => text).join()}: ${difference.actual.join()}`
    case 'missing':
      return `missing ${difference.row.map(({ text }) => text).join()}`
    case 'unexpected':
      return `unexpected ${difference.actual.join()}`
    case 'too_many':
      return `too many: ${difference.expected}, ${difference.atLeast}`
  }
}

const [one, two, three]: readonly ActualRow[] = [
  ['1', 'x'],
  ['2', 'y'],
  ['3', 'z'],
]
const all = [one ?? [], two ?? [], three ?? []]

describe('an expected table and the result of a query', () => {
  test.for([
    ['the same', ROWS, all, {}, []],
    ['the same in another order', ROWS, all.toReversed(), {}, []],
    [
      'the same in another order, with ORDER BY',
      ROWS,
      all.toReversed(),
      { isOrdered: true },
      ['cells 1,x: 3,z', 'cells 3,z: 1,x'],
    ],
    ['a wrong cell', ROWS, [['3', 'q'], ...all.slice(0, 2)], {}, ['cells z: 3,q']],
    ['a row less, with ORDER BY', ROWS, [all[0] ?? [], all[2] ?? []], { isOrdered: true }, ['missing 2,y']],
    ['a row less', ROWS, [all[0] ?? [], all[2] ?? []], {}, ['missing 2,y']],
    ['a row more', ROWS, [['9', 'q'], ...all], {}, ['unexpected 9,q']],
    ['another row', ROWS, [...all.slice(0, 2), ['9', 'q']], {}, ['missing 3,z', 'unexpected 9,q']],
    ['a row twice', ROWS.slice(0, 1), [all[0] ?? [], all[0] ?? []], {}, ['unexpected 1,x']],
    ['NULL and the empty text', ['   |'], [[null, '']], {}, []],
    [
      'white space, tabs, line breaks and control characters',
      [String.raw`a       b|\x01\r`],
      [['a\tb', ' \u0001\r ']],
      {},
      [],
    ],
    ['another case', ROWS, all, { columns: ['A', 'b'] }, ['columns a: A,b']],
    ['a column more', ROWS, all, { columns: ['a', 'b', 'c'] }, ['columns b: a,b,c']],
    ['far more rows', ROWS, all, { isCut: true }, ['too many: 3, 3']],
  ] as const)('%s', ([, rows, actual, options, differences]) => {
    expect(compare(rows, actual, options)).toEqual(differences)
  })
})
