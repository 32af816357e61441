import type { QueryConfig, QueryResultRow } from 'pg'
import { ExitCode, OperatorError } from '../../errors.js'
import type { Queryable } from '../connection.js'
import { describeServerRole } from '../replication/describe-server-role.js'
import { STANDBY_COLUMNS, type StandbyState } from '../replication/replication-state.js'
import { onlyRow } from '../rows.js'

/** What a query is joined to: one row, also where the query returns none. */
interface Answerer {
  readonly isStandby: boolean
  /** Null where the query returned no row. */
  readonly isRow: true | null
}

// In one statement, because a proxy may send the next one elsewhere. The function is volatile, which makes pgpool-II send the
// whole statement to the primary.
const withAnswerer = (query: string): string => `
  SELECT s."isStandby", q.*
  FROM (SELECT pg_catalog.pg_is_in_recovery() AS "isStandby") AS s
  LEFT JOIN (SELECT true AS "isRow", r.* FROM (${query}) AS r) AS q ON true`

/**
 * Queries that may be answered by a standby, which may lag behind.
 * @param onStandby called for each answer of a standby
 */
export const noticeStandby = (client: Queryable, onStandby: () => void): Queryable => ({
  // Only these overloads are used. Never under the statement's name, which stands for the text that it had before.
  query: (async (query: string | QueryConfig<unknown[]>, given?: unknown[]) => {
    const { text, values } = typeof query === 'string' ? { text: query, values: given } : query
    const result = await client.query<QueryResultRow & Answerer>(withAnswerer(text), values)
    if (result.rows[0]?.isStandby === true) onStandby()
    const rows = result.rows
      .filter(({ isRow }) => isRow === true)
      .map(({ isStandby: _standby, isRow: _isRow, ...row }) => row)
    return { ...result, rows, rowCount: rows.length }
  }) as Queryable['query'],
})

/** Queries that only the primary may answer, because they look for what was just written. @throws OperatorError `read_from_standby` */
export const fromPrimary = (client: Queryable): Queryable =>
  noticeStandby(client, () => {
    throw readFromStandby()
  })

/** What was read, and from where. */
export interface Comparison<T> {
  readonly result: T
  /** The standby that answered, such as `standby, 3 s behind`; undefined for a primary. */
  readonly standby: string | undefined
}

/**
 * Compares something with the rows of any server: what a standby has is there, and what it lacks may be on its primary.
 * @param isComplete whether nothing is missing
 * @throws OperatorError `read_from_standby` when a standby answered and something is missing, or it has no primary
 */
export const compareAnywhere = async <T>(
  client: Queryable,
  compare: (client: Queryable) => Promise<T>,
  isComplete: (result: T) => boolean,
): Promise<Comparison<T>> => {
  const answers = { ofStandby: false }
  const result = await compare(noticeStandby(client, () => (answers.ofStandby = true)))
  if (!answers.ofStandby) return { result, standby: undefined }
  const state = onlyRow(await client.query<StandbyState>(`SELECT ${STANDBY_COLUMNS}`))
  const standby = describeServerRole(state)
  // A standby without primary may be of one that another server has followed, which lacks what this one has.
  if (state.isDetached || !isComplete(result)) throw readFromStandby(standby)
  return { result, standby }
}

/** The code of `readFromStandby`. */
export const READ_FROM_STANDBY = 'read_from_standby'

export const readFromStandby = (standby?: string): OperatorError =>
  new OperatorError(
    READ_FROM_STANDBY,
    standby === undefined
      ? 'a standby answered, which may lag behind: what is missing there may be stored'
      : `the server that answered is a ${standby}: only the primary knows what is stored`,
    {
      exitCode: ExitCode.unreachable,
      hint: "name the primary server, in --database-url or the store's databaseUrl",
      retryable: true,
    },
  )
