import type { QueryResult } from 'pg'
import type { Queryable } from '../../database/connection.js'
import { isServerError } from '../../database/sql-state.js'
import { splitStatements, type Statement } from '../ledger/split-statements.js'

/** The result of a file without statements. */
export const NO_RESULT: QueryResult = { command: '', rowCount: 0, oid: 0, fields: [], rows: [] }

/**
 * Runs the statements of a file one by one, so each can be watched, timed and interrupted.
 * @returns the result of the last statement
 */
export const runStatements = async (client: Queryable, sql: string): Promise<QueryResult> => {
  let result = NO_RESULT
  for (const statement of await readStatements(sql)) result = await runStatement(client, statement)
  return result
}

// The server may understand what our parser does not; if not, its error message is the better one.
const readStatements = (sql: string): Promise<readonly Pick<Statement, 'sql' | 'offset'>[]> =>
  splitStatements(sql).catch(() => [{ sql, offset: 0 }])

const runStatement = async (
  client: Queryable,
  { sql, offset }: Pick<Statement, 'sql' | 'offset'>,
): Promise<QueryResult> => {
  try {
    return await client.query(sql)
  } catch (error) {
    if (isServerError(error)) placesInFiles.set(error, offset + Number(error.position ?? 1))
    throw error
  }
}

const placesInFiles = new WeakMap<object, number>()

/** Position of a failed statement's error in its file, in characters from 1; the start of the statement if the server gave none. */
export const placeInFile = (error: object): number | undefined => placesInFiles.get(error)
