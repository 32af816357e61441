import type { QueryResult } from 'pg'
import type { Queryable } from '../database/connection.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'

/** Result of a check's query: counts, in the order of the query, and ids of at most five rows. */
export interface RowQueryResult {
  readonly counts: readonly number[]
  readonly sample: readonly number[]
}

/** Why the query has no result. */
export interface RowQueryTimeout {
  readonly reason: string
}

interface ResultRow {
  readonly counts: readonly string[]
  readonly sample: readonly string[]
}

/** Maximum number of ids in a sample. */
const SAMPLE_SIZE = 5

/**
 * Runs a query in the caller's transaction, which stays usable if the query times out.
 * @param sql returns one row: `counts` (bigint[]) and `sample` (bigint[])
 */
export const runRowQuery = async (
  client: Queryable,
  sql: string,
  signal: AbortSignal,
): Promise<RowQueryResult | RowQueryTimeout> => {
  signal.throwIfAborted()
  const startedAt = performance.now()
  try {
    // One message saves a round trip to a server that may be far away. node-postgres then returns a list of results, which its
    // types do not declare.
    const results = (await client.query(`SAVEPOINT row_query;${sql}`)) as unknown as readonly QueryResult<ResultRow>[]
    const row = results[1]?.rows[0]
    return { counts: (row?.counts ?? []).map(Number), sample: (row?.sample ?? []).map(Number) }
  } catch (error) {
    const reason = timeoutReason(error, performance.now() - startedAt)
    // Ctrl-C also cancels the statement.
    if (reason === undefined || signal.aborted) throw error
    await client.query('ROLLBACK TO SAVEPOINT row_query')
    return { reason }
  }
}

const timeoutReason = (error: unknown, elapsedMs: number): string | undefined => {
  const seconds = `${(elapsedMs / 1_000).toFixed(1)} s`
  if (hasSqlState(error, SqlState.queryCanceled)) return `unknown: the server cancelled the query after ${seconds}`
  if (hasSqlState(error, SqlState.lockNotAvailable)) return `unknown: a table was locked for ${seconds}`
  return undefined
}

/** SQL that counts the rows of a query for `id`, and samples the lowest ids. The query runs once. */
export const countAndSample = (selectIds: string): string => `
  WITH found AS MATERIALIZED (${selectIds})
  SELECT ARRAY(SELECT count(*) FROM found) AS "counts",
    ARRAY(SELECT "id"::bigint FROM found ORDER BY "id" LIMIT ${SAMPLE_SIZE}) AS "sample"`
