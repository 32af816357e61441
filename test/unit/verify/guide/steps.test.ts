import { describe, expect, test } from 'vitest'
import { fencesOf } from '../../../../src/verify/guide/markdown.js'
import { stepsOf } from '../../../../src/verify/guide/steps.js'

/** Each step as `line language`, with the line of its expected output. */
const stepsIn = (markdown: string): readonly string[] =>
  stepsOf(fencesOf(markdown)).map(({ fence, output }) =>
    [`${fence.number} ${fence.language}`, ...(output === undefined ? [] : [`= ${output.number}`])].join(' '),
  )

const SQL = '```sql\nSELECT 1\n```\n'
const TABLE = '```\n a\n---\n 1\n```\n'
const PROSE = '```\nyou see one\n```\n'

describe('the steps of a guide', () => {
  test.for([
    ['an announced output', `${SQL}\nExpected output:\n${TABLE}`, ['1 sql = 6']],
    ['an announced output that is no table', `${SQL}\n**Expected results**\n\n${PROSE}`, ['1 sql = 7']],
    ['a table right behind', `${SQL}${TABLE}`, ['1 sql = 4']],
    ['prose right behind', `${SQL}${PROSE}`, ['1 sql', '4 ']],
    ['prose after the word result', `${SQL}\nAs a result:\n${PROSE}`, ['1 sql', '6 ']],
    ['a table that something else introduces', `${SQL}\nCompare this list:\n${TABLE}`, ['1 sql', '6 ']],
    ['an output under another heading', `${SQL}\n# Next\nExpected output:\n${TABLE}`, ['1 sql', '7 ']],
    ['an output of another fence', `${SQL}\n${SQL}\nExpected output:\n${TABLE}`, ['1 sql', '5 sql = 10']],
    ['an output of a shell', `~~~bash\nls\n~~~\nExpected output:\n${TABLE}`, ['1 bash', '5 ']],
    ['a fence that says it is the output', `${SQL}\nSo:\n\`\`\`output\n1\n\`\`\``, ['1 sql = 6']],
    [
      'other names of the language',
      '```PostgreSQL\n```\n```{.sql #x}\n```\n``` psql\n```',
      ['1 postgresql', '3 sql', '5 psql'],
    ],
    ['a summary of HTML', `${SQL}\n<details><summary>Expected output</summary>\n\n${TABLE}`, ['1 sql = 7']],
    ['no fence', 'Only `sql`.\n\n    SELECT 1\n', []],
    ['a fence that never ends', '```sql\nSELECT 1', ['1 sql']],
    ['an empty text', '', []],
  ] as const)('%s', ([, markdown, steps]) => {
    expect(stepsIn(markdown)).toEqual(steps)
  })

  test.for([['\n'], ['\r\n'], ['\r']])(
    'knows line and column in the file, in a list, a quotation and with any line end (%j)',
    ([end = '']) => {
      const markdown = '\uFEFF# A\n1. b\n   ~~~sql\n   SELECT 1,\n     2\n   ~~~\n> ~~~sql\n> TABLE x\n> ~~~\n'
      const lines = fencesOf(markdown.replaceAll('\n', end)).flatMap((fence) => fence.lines)
      expect(lines.map(({ number, text, start }) => [number, text, start])).toEqual([
        [4, 'SELECT 1,', 3],
        [5, '  2', 3],
        [8, 'TABLE x', 2],
      ])
    },
  )
})
