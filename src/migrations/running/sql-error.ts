import { exitCodeForState } from '../../database/exit-code.js'
import { isServerError } from '../../database/sql-state.js'
import { OperatorError } from '../../errors.js'
import { placeInFile } from './run-statements.js'
import { isSessionLost } from './lost-connection.js'
import type { Next } from '../../next-step.js'

/** Line and column, both from 1, of a position in characters from 1. */
export const locate = (
  sql: string,
  position: number,
): { readonly line: number; readonly column: number; readonly text: string } => {
  const before = Array.from(sql)
    .slice(0, position - 1)
    .join('')
  const line = before.split('\n').length
  const column = Array.from(before.slice(before.lastIndexOf('\n') + 1)).length + 1
  return { line, column, text: sql.split('\n')[line - 1] ?? '' }
}

/**
 * Explains a statement that the server rejected, with its place in the file.
 * @param file as shown to the reader, such as `migrations/3_index-guest-username.sql`
 * @param state what is done and what is not, in one sentence
 * @returns the error itself if it is not the server's answer to a statement
 */
export const toSqlFileError = (error: unknown, file: string, sql: string, state: string, hint: Next): unknown => {
  if (!isServerError(error) || isSessionLost(error)) return error
  const position = placeInFile(error)
  const place = position === undefined ? undefined : locate(sql, position)
  const source =
    place === undefined
      ? []
      : [`${String(place.line).padStart(4)} | ${place.text}`, `     | ${' '.repeat(place.column - 1)}^`]
  const extras = [
    error.detail === undefined ? undefined : `detail: ${error.detail}`,
    error.hint === undefined ? undefined : `server hint: ${error.hint}`,
    error.where === undefined ? undefined : `where: ${error.where}`,
    state,
  ].filter((line) => line !== undefined)
  const where = place === undefined ? file : `${file}:${place.line}:${place.column}`
  return new OperatorError('migration_failed', `${where}: ${error.message}`, {
    exitCode: exitCodeForState(error.code),
    sqlState: error.code,
    details: [...source, ...extras],
    hint,
    cause: error,
  })
}
