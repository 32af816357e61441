import type { QueryResult } from 'pg'
import type { Queryable } from '../../database/connection.js'
import { isServerError } from '../../database/sql-state.js'
import { splitStatements, type Statement } from '../ledger/split-statements.js'

export const NO_RESULT: QueryResult = { command: '', rowCount: 0, oid: 0, fields: [], rows: [] }

/**
 * Runs a file one statement after the other, so that each is seen, timed and interrupted by itself.
 * @returns the result of the last one
 */
export const runStatements = async (client: Queryable, sql: string): Promise<QueryResult> => {
  let result = NO_RESULT
  for (const statement of await readStatements(sql)) result = await runStatement(client, statement)
  return result
}

// What our parser does not understand, the server may; and if it does not either, its words are better.
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

/** Where in its file the statement failed, in characters from 1: at the server's position, or where the statement begins. */
export const placeInFile = (error: object): number | undefined => placesInFiles.get(error)
