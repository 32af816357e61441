import type { Node, RawStmt } from '@pgsql/types'

/** One statement of a file. */
export interface Statement {
  /** Its text without leading comments and without the semicolon. */
  readonly sql: string
  /** Its position in the file, in characters from 0. */
  readonly offset: number
  /** Its syntax tree from PostgreSQL's own parser. */
  readonly node: Node
}

/**
 * Splits a file into statements with PostgreSQL's own parser, which understands quotes, comments and function bodies.
 * @throws Error with the parser's message when the file is not valid SQL
 */
export const splitStatements = async (sql: string): Promise<readonly Statement[]> => {
  // The parser rejects an empty text.
  if (sql.trim() === '') return []
  const { parse } = await import('libpg-query')
  const { stmts = [] } = (await parse(sql)) as { readonly stmts?: readonly RawStmt[] }
  const bytes = Buffer.from(sql)
  return stmts.flatMap(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
    if (stmt === undefined) return []
    // The parser counts bytes, and gives no length for a last statement without a semicolon.
    const text = bytes.toString('utf8', start, length === undefined ? undefined : start + length)
    const code = text.slice(leadLength(text))
    const offset =
      Array.from(bytes.toString('utf8', 0, start)).length + Array.from(text).length - Array.from(code).length
    return [{ sql: code.trimEnd(), offset, node: stmt }]
  })
}

/** Length of the white space and comments before the statement. */
const leadLength = (text: string): number => /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)*/.exec(text)?.[0].length ?? 0

/** The text of a statement on one line, without comments. */
export const oneLine = (sql: string): string => sql.replaceAll(/--.*$/gm, '').trim().replaceAll(/\s+/g, ' ')
