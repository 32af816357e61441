import type { QueryResult } from 'pg'
import type { Queryable } from '../database/connection.js'
import { blockageBehind, UNKNOWN_BLOCKAGE, type Blockage } from '../database/blockers.js'
import { PART_LOCK_TIMEOUT_MS } from '../database/waiting/read-in-parts.js'
import { isId } from '../persistence/ids/ids.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'

/** Result of a check's query: counts, in the order of the query, and ids of at most five rows. */
export interface RowQueryResult {
  readonly counts: readonly number[]
  readonly sample: readonly SampleId[]
}

/** An id; as text where a number does not hold it exactly. */
export type SampleId = number | string

/** Why the query has no result: it took too long. */
export interface RowQueryTimeout {
  readonly reason: string
}

/** A table that the query reads was locked. */
export interface RowQueryBlocked {
  readonly blockage: Blockage
}

interface ResultRow {
  readonly counts: readonly string[]
  readonly sample: readonly string[]
}

/** Maximum number of ids in a sample. */
const SAMPLE_SIZE = 5

/**
 * Runs a query in the caller's transaction, which stays usable if the query times out or a table is locked.
 * @param sql returns one row: `counts` (bigint[]) and `sample` (bigint[])
 * @param limitMs how long it may take; that of the transaction when absent
 */
export const runRowQuery = async (
  client: Queryable,
  sql: string,
  signal: AbortSignal,
  limitMs?: number,
): Promise<RowQueryResult | RowQueryTimeout | RowQueryBlocked> => {
  signal.throwIfAborted()
  const startedAt = performance.now()
  try {
    // One message saves a round trip to a server that may be far away. node-postgres then returns a list of results, which its
    // types do not declare.
    // A lock has to be told from a long query, so it is waited for less long.
    const limit =
      limitMs === undefined
        ? ''
        : `SET LOCAL statement_timeout = ${limitMs}; SET LOCAL lock_timeout = ${Math.ceil(limitMs / 2)};`
    const request = `SAVEPOINT row_query;${limit}${sql}`
    const results = (await client.query(request)) as unknown as readonly QueryResult<ResultRow>[]
    const row = results.at(-1)?.rows[0]
    return { counts: (row?.counts ?? []).map(Number), sample: (row?.sample ?? []).map(toSampleId) }
  } catch (error) {
    // Ctrl-C also cancels the statement.
    if (!hasSqlState(error, SqlState.queryCanceled, SqlState.lockNotAvailable) || signal.aborted) throw error
    const isLocked = error.code === SqlState.lockNotAvailable
    await client.query(isLocked ? AFTER_LOCK : 'ROLLBACK TO SAVEPOINT row_query')
    if (isLocked) return { blockage: blockageBehind(error) ?? UNKNOWN_BLOCKAGE }
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    return { reason: `unknown: the server cancelled the query after ${seconds} s` }
  }
}

const toSampleId = (id: string): SampleId => (isId(Number(id)) ? Number(id) : id)

// The queries that follow may read the same table.
const AFTER_LOCK = `ROLLBACK TO SAVEPOINT row_query; SET LOCAL lock_timeout = ${PART_LOCK_TIMEOUT_MS}`

/**
 * SQL that looks up one id for each expression, such as the largest of a table. `counts` has the places of the expressions
 * that found one, and `sample` these ids.
 */
export const lookUpIds = (expressions: readonly string[]): string => {
  const rows = expressions.map((expression, place) => `SELECT ${place} AS "place", (${expression})::bigint AS "id"`)
  return `
  WITH found AS MATERIALIZED (SELECT * FROM (${rows.join(' UNION ALL ')}) AS one WHERE "id" IS NOT NULL)
  SELECT ARRAY(SELECT "place"::bigint FROM found ORDER BY "place") AS "counts",
    ARRAY(SELECT "id" FROM found ORDER BY "place") AS "sample"`
}

/** The ids that `lookUpIds` found, by the places of their expressions. */
export const idsByPlace = ({ counts, sample }: RowQueryResult): ReadonlyMap<number, SampleId> =>
  new Map(counts.flatMap((place, index) => (sample[index] === undefined ? [] : [[place, sample[index]]])))

/** SQL that counts the rows of a query for `id`, and samples the lowest ids. The query runs once. */
export const countAndSample = (selectIds: string): string => `
  WITH found AS MATERIALIZED (${selectIds})
  SELECT ARRAY(SELECT count(*) FROM found) AS "counts",
    ARRAY(SELECT "id"::bigint FROM found ORDER BY "id" LIMIT ${SAMPLE_SIZE}) AS "sample"`
