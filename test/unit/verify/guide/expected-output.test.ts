import { describe, expect, test } from 'vitest'
import { readOutput, UnreadableOutput } from '../../../../src/verify/guide/expected-output.js'
import { fencesOf } from '../../../../src/verify/guide/markdown.js'

/** Head and rows of each table, or why there is none. */
const read = (output: string): unknown => {
  const [fence] = fencesOf(`\`\`\`\n${output}\n\`\`\``)
  if (fence === undefined) throw new Error('no fence')
  try {
    return readOutput(fence).map(({ head, rows }) => [head, ...rows].map((row) => row.map(({ text }) => text)))
  } catch (error) {
    if (!(error instanceof UnreadableOutput)) throw error
    return `${error.line.number}: ${error.message}`
  }
}

const lines = (...all: readonly string[]): string => all.join('\n')

describe('an expected output', () => {
  test.for([
    [
      'of psql',
      lines(' a |  b', '---+-----', ' 1 | x y', '(1 row)'),
      [
        [
          ['a', 'b'],
          ['1', 'x y'],
        ],
      ],
    ],
    [
      'without a count, not aligned',
      lines('a|b', '-+-', '1|x', '', ''),
      [
        [
          ['a', 'b'],
          ['1', 'x'],
        ],
      ],
    ],
    [
      'with empty cells',
      lines(' a | b ', '---+---', '   |   ', '   | 2'),
      [
        [
          ['a', 'b'],
          ['', ''],
          ['', '2'],
        ],
      ],
    ],
    ['without rows', lines(' a ', '---', '(0 rows)'), [[['a']]]],
    ['with an empty cell alone in its row', lines(' a', '---', '', ' 2', '(2 rows)'), [[['a'], [''], ['2']]]],
    ['with an end at an empty line', lines(' a', '---', ' 1', '', '-- done'), [[['a'], ['1']]]],
    [
      'with a frame',
      lines('+---+---+', '| a | b |', '+---+---+', '| 1 | 2 |', '+---+---+', '(1 row)'),
      [
        [
          ['a', 'b'],
          ['1', '2'],
        ],
      ],
    ],
    [
      'with the lines of Unicode',
      lines(' a │ b', '───┼───', ' | │ 2', '(1 row)'),
      [
        [
          ['a', 'b'],
          ['|', '2'],
        ],
      ],
    ],
    [
      'with a frame of Unicode',
      lines('┌───┬───┐', '│ a │ b │', '├───┼───┤', '│ 1 │ 2 │', '└───┴───┘'),
      [
        [
          ['a', 'b'],
          ['1', '2'],
        ],
      ],
    ],
    [
      'of Markdown',
      lines('| a | b |', '|---|---|', '| 1 | 2 |'),
      [
        [
          ['a', 'b'],
          ['1', '2'],
        ],
      ],
    ],
    [
      'with a separator in a cell',
      lines('  a  | b', '-----+---', ' x|y | 2'),
      [
        [
          ['a', 'b'],
          ['x|y', '2'],
        ],
      ],
    ],
    [
      'with line breaks in cells',
      lines(' a  | b', '----+----', ' x +| 1', ' yy |', ' z  | C+', '(2 rows)'),
      [
        [
          ['a', 'b'],
          ['x\nyy', '1'],
          ['z', 'C+'],
        ],
      ],
    ],
    [
      'of several queries',
      lines(' a', '---', ' 1', '(1 row)', '', 'Time: 1 ms', ' b', '---', ' 2'),
      [
        [['a'], ['1']],
        [['b'], ['2']],
      ],
    ],
    ['with comments around', lines('-- first', ' a', '---', ' 1', '', '# last'), [[['a'], ['1']]]],
    ['that is prose', 'one row', '2: this line belongs to no table as psql prints it'],
    [
      'that is prose behind a table',
      lines(' a', '---', ' 1', '', 'and so on'),
      '6: this line belongs to no table as psql prints it',
    ],
    ['that is empty', '', '2: there is no table as psql prints it'],
    [
      'with a wrong count',
      lines(' a', '---', ' 1', '(2 rows)'),
      '5: the table has 1 of the rows that are counted here',
    ],
    ['with a cell too many', lines(' a | b', '---+---', '10|2|3'), '4: the rule has 2 columns, this line 3'],
    ['with a cell too few', lines(' a | b', '---+---', ' 1'), '4: the rule has 2 columns, this line 1'],
  ] as const)('%s', ([, output, expected]) => {
    expect(read(output)).toEqual(expected)
  })
})
