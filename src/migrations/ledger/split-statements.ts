import { setImmediate } from 'node:timers/promises'
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

/** A text that the parser rejects, with its message. */
export class InvalidSql extends Error {
  override readonly name = 'InvalidSql'

  /** @param position of the error, in characters from 0; undefined if the parser gave none */
  constructor(
    message: string,
    readonly position: number | undefined,
    cause: unknown,
  ) {
    super(message, { cause })
  }
}

/** The parser cannot be interrupted: so much of a long file, a few thousand statements, takes it a moment. */
const PART_LENGTH = 250_000

/**
 * Splits a file into statements with PostgreSQL's own parser, which understands quotes, comments and function bodies.
 * @param signal ends the work, between two parts of a long file
 * @throws InvalidSql when the file is not valid SQL
 */
export const splitStatements = async (sql: string, signal?: AbortSignal): Promise<readonly Statement[]> => {
  const statements: Statement[] = []
  const counter = countCharacters(sql)
  let start = 0
  let length = PART_LENGTH
  while (start < sql.length) {
    // A signal is noticed only when the event loop gets a turn.
    if (start > 0) await setImmediate()
    signal?.throwIfAborted()
    const end = lineEndAfter(sql, start + length)
    const part = sql.slice(start, end)
    const found = await parsePart(part, end === sql.length, counter(start))
    // The part ends within a statement.
    if (found === undefined) length *= 2
    else {
      for (const { index, ...statement } of cutStatements(part, found))
        statements.push({ ...statement, offset: counter(start + index) })
      start = end
      length = PART_LENGTH
    }
  }
  return statements
}

/** The end of a line whose last character is a semicolon, which mostly ends a statement. */
const lineEndAfter = (sql: string, index: number): number => {
  const at = sql.indexOf(';\n', index)
  return at === -1 ? sql.length : at + 2
}

/** @returns undefined when the part, unless it is the last, does not end where a statement does */
const parsePart = async (part: string, isLast: boolean, offset: number): Promise<readonly RawStmt[] | undefined> => {
  // The parser rejects an empty text.
  if (part.trim() === '') return []
  const { hasSqlDetails, parse } = await import('libpg-query')
  try {
    const { stmts = [] } = (await parse(part)) as { readonly stmts?: readonly RawStmt[] }
    // It gives no length for a last statement without a semicolon: that of the line was in a comment.
    const isWhole = isLast || stmts.length === 0 || stmts.at(-1)?.stmt_len !== undefined
    return isWhole ? stmts : undefined
  } catch (cause) {
    if (!isLast) return undefined
    const position = hasSqlDetails(cause) ? offset + (cause.sqlDetails?.cursorPosition ?? 0) : undefined
    throw new InvalidSql(cause instanceof Error ? cause.message : String(cause), position, cause)
  }
}

/** @returns each with its index in the text */
const cutStatements = (text: string, stmts: readonly RawStmt[]) => {
  // The parser counts bytes.
  const bytes = Buffer.from(text)
  let byte = 0
  let index = 0
  return stmts.flatMap(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
    if (stmt === undefined) return []
    index += bytes.toString('utf8', byte, start).length
    byte = start
    const sql = bytes.toString('utf8', start, length === undefined ? undefined : start + length)
    return [{ sql: sql.trimEnd(), index, node: stmt }]
  })
}

/** @returns a function that counts the characters before an index, which grows from call to call */
const countCharacters = (text: string): ((index: number) => number) => {
  let characters = 0
  let at = 0
  return (index) => {
    for (; at < index; characters += 1) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
    return characters
  }
}
