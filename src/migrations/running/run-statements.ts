import type { QueryResult } from 'pg'
import type { Queryable } from '../../database/connection.js'
import { splitStatements, type Statement } from '../ledger/split-statements.js'
import { reportBatches } from './batch-progress.js'
import type { OnMigrationEvent } from './events.js'

/** The result of a file without statements. */
export const NO_RESULT: QueryResult = { command: '', rowCount: 0, oid: 0, fields: [], rows: [] }

export interface RunningOptions {
  readonly signal: AbortSignal
  readonly onEvent: OnMigrationEvent
}

/** Fewer statements need no progress of their own. */
const MANY = 100

/**
 * Runs the statements of a file one by one, so each can be watched, timed and interrupted.
 * @param title of the file, for the progress
 * @returns the result of the last statement
 */
export const runStatements = async (
  client: Queryable,
  { title, sql }: { readonly title: string; readonly sql: string },
  { signal, onEvent }: RunningOptions,
): Promise<QueryResult> => {
  const statements = await splitStatements(sql, signal)
  const report = reportBatches(`statements of ${title}`, statements.length, onEvent)
  let result = NO_RESULT
  for (const [done, statement] of statements.entries()) {
    if (statements.length >= MANY) report(done)
    result = await runStatement(client, statement, done, signal)
  }
  return result
}

const runStatement = async (
  client: Queryable,
  { sql, offset }: Statement,
  done: number,
  signal: AbortSignal,
): Promise<QueryResult> => {
  try {
    signal.throwIfAborted()
    return await client.query(sql)
  } catch (error) {
    if (error instanceof Error) {
      const position = 'position' in error && error.position !== undefined ? Number(error.position) : 1
      failures.set(error, { position: offset + position, done })
    }
    throw error
  }
}

/** Where a file failed. */
export interface FileFailure {
  /** Of the error, in characters from 1; the start of the statement if the server gave none. */
  readonly position: number
  /** How many statements were done before. */
  readonly done: number
}

const failures = new WeakMap<object, FileFailure>()

/** Where in its file the statement failed that ended with this error. */
export const failureInFile = (error: unknown): FileFailure | undefined =>
  typeof error === 'object' && error !== null ? failures.get(error) : undefined
