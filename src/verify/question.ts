import type { QueryResult } from 'pg'
import type { Queryable } from '../database/connection.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'

/** What a question about rows gives: figures, in the order of the question, and ids of up to five rows. */
export interface Answer {
  readonly counts: readonly number[]
  readonly sample: readonly number[]
}

/** Why there is no answer. */
export interface Unanswered {
  readonly reason: string
}

interface AnswerRow {
  readonly counts: readonly string[]
  readonly sample: readonly string[]
}

/** How many ids a sample has at most. */
export const SAMPLE_SIZE = 5

/**
 * Asks inside the caller's transaction, which goes on when the question runs into a time-out.
 * @param sql gives one row: `counts` (bigint[]) and `sample` (bigint[])
 */
export const askQuestion = async (
  client: Queryable,
  sql: string,
  signal: AbortSignal,
): Promise<Answer | Unanswered> => {
  signal.throwIfAborted()
  const startedAt = performance.now()
  try {
    // In one message, since each is a round trip to a server that may be far away. node-postgres then gives a list of results,
    // which its types do not know.
    const results = (await client.query(`SAVEPOINT question;${sql}`)) as unknown as readonly QueryResult<AnswerRow>[]
    const row = results[1]?.rows[0]
    return { counts: (row?.counts ?? []).map(Number), sample: (row?.sample ?? []).map(Number) }
  } catch (error) {
    const reason = timeoutReason(error, performance.now() - startedAt)
    // Ctrl-C cancels the statement, too.
    if (reason === undefined || signal.aborted) throw error
    await client.query('ROLLBACK TO SAVEPOINT question')
    return { reason }
  }
}

const timeoutReason = (error: unknown, elapsedMs: number): string | undefined => {
  const seconds = `${(elapsedMs / 1_000).toFixed(1)} s`
  if (hasSqlState(error, SqlState.queryCanceled)) return `not known: the server stopped the question after ${seconds}`
  if (hasSqlState(error, SqlState.lockNotAvailable)) return `not known: somebody kept a table locked for ${seconds}`
  return undefined
}

/** Counts the rows of a query that gives `id`, and shows the first of them. The query runs once. */
export const countAndSample = (selectIds: string): string => `
  WITH found AS MATERIALIZED (${selectIds})
  SELECT ARRAY(SELECT count(*) FROM found) AS "counts",
    ARRAY(SELECT "id"::bigint FROM found ORDER BY "id" LIMIT ${SAMPLE_SIZE}) AS "sample"`
