import type { Node, RawStmt } from '@pgsql/types'

/** One statement of a file. */
export interface Statement {
  /** Its text, without the comments before it and the semicolon after it. */
  readonly sql: string
  /** Where it begins in the file, in characters from 0. */
  readonly offset: number
  /** As PostgreSQL's own parser reads it. */
  readonly node: Node
}

/**
 * Splits a file into its statements by PostgreSQL's own grammar, so that no quote, comment or function body misleads it.
 * @throws Error with the parser's words when the file is no SQL
 */
export const splitStatements = async (sql: string): Promise<readonly Statement[]> => {
  // The parser takes an empty text for a mistake.
  if (sql.trim() === '') return []
  const { parse } = await import('libpg-query')
  const { stmts = [] } = (await parse(sql)) as { readonly stmts?: readonly RawStmt[] }
  const bytes = Buffer.from(sql)
  return stmts.flatMap(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
    if (stmt === undefined) return []
    // The parser counts bytes, and gives no length for a last statement without semicolon.
    const text = bytes.toString('utf8', start, length === undefined ? undefined : start + length)
    const code = text.slice(leadLength(text))
    const offset =
      Array.from(bytes.toString('utf8', 0, start)).length + Array.from(text).length - Array.from(code).length
    return [{ sql: code.trimEnd(), offset, node: stmt }]
  })
}

/** How much of the text are white space and comments before the statement. */
const leadLength = (text: string): number => /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)*/.exec(text)?.[0].length ?? 0
