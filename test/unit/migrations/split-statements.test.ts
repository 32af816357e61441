import { describe, expect, test } from 'vitest'
import { InvalidSql, splitStatements } from '../../../src/migrations/ledger/split-statements.js'

const split = async (sql: string) => (await splitStatements(sql)).map(({ sql: text, offset }) => [text, offset])

describe('a file is split', () => {
  test.for([
    ['nothing', ' \n', []],
    ['a comment alone', '-- nothing;\n', []],
    [
      'without a last semicolon',
      'SELECT 1; SELECT 2',
      [
        ['SELECT 1', 0],
        ['SELECT 2', 10],
      ],
    ],
    [
      'with characters of several bytes',
      "SELECT 'ä€😀';\nSELECT 2;",
      [
        ["SELECT 'ä€😀'", 0],
        ['SELECT 2', 14],
      ],
    ],
    ['after comments', '-- 😀 a\n/* b */ SELECT 1;', [['SELECT 1', 15]]],
    ['after a comment in a comment', '/* a /* b; */ c */ SELECT 1;', [['SELECT 1', 19]]],
    ['after a comment that ends with a carriage return', '-- a\rSELECT 1;', [['SELECT 1', 5]]],
    [
      'with semicolons in a body',
      'DO $$ BEGIN; END; $$; SELECT 1',
      [
        ['DO $$ BEGIN; END; $$', 0],
        ['SELECT 1', 22],
      ],
    ],
  ] as const)('%s', async ([, sql, expected]) => {
    expect(await split(sql)).toEqual(expected)
  })

  test('in parts that end where a statement does, however long it is', async () => {
    const rows = (count: number): string => Array.from({ length: count }, (_, row) => `('ü ${row};\n')`).join(',\n')
    const statements = [
      `INSERT INTO t VALUES ${rows(25_000)}`,
      `DO $$\nBEGIN\n${'  PERFORM 1;\n'.repeat(25_000)}END $$`,
      `SELECT 1\n${'  -- not the end;\n'.repeat(20_000)}  , 2`,
      `CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n${'  SELECT 1;\n'.repeat(25_000)}END`,
      ...Array.from({ length: 20_000 }, (_, row) => `SELECT '😀 ${row}'`),
    ]
    const sql = `${statements.join(';\n')};\n`
    const found = await splitStatements(sql)
    expect(found.map((statement) => statement.sql)).toEqual(statements)
    const characters = Array.from(sql)
    for (const { sql: text, offset } of [...found.slice(0, 5), ...found.slice(-2)])
      expect(characters.slice(offset, offset + 9).join('')).toBe(Array.from(text).slice(0, 9).join(''))
  })

  test('unless it is invalid: where, is known also far behind', async () => {
    const good = "SELECT 'ü€😀';\n".repeat(30_000)
    await expect(splitStatements(`${good}SELEC 1;`)).rejects.toEqual(
      new InvalidSql('syntax error at or near "SELEC"', Array.from(good).length, undefined),
    )
    await expect(splitStatements(`${good}SELEC 1;`)).rejects.toMatchObject({ position: Array.from(good).length })
  })

  test('until a signal comes', async () => {
    const interruption = new AbortController()
    const splitting = splitStatements("SELECT 'some text';\n".repeat(50_000), interruption.signal)
    interruption.abort(new Error('ended by SIGTERM'))
    await expect(splitting).rejects.toThrow('ended by SIGTERM')
  })
})
