import type { QueryArrayConfig } from 'pg'
import type { Queryable } from '../../database/connection.js'
import { hasSqlState, isServerError, SqlState, type ServerError } from '../../database/sql-state.js'
import type { QueryTable } from './compare.js'
import type { GuideQuery } from './queries.js'

/** What a query of a guide led to. */
export type QueryOutcome =
  | { readonly kind: 'table'; readonly table: QueryTable }
  | {
      readonly kind: 'failed'
      readonly error: ServerError
      /** In the query, in characters from 1. */ readonly position: number | undefined
    }

/** A cursor takes nothing but a query, and a result of any size is read only as far as it is compared. */
const DECLARE = 'DECLARE guide_query NO SCROLL CURSOR FOR '

/**
 * Runs a query in the caller's transaction, which is afterwards as before it, whatever the query set or how it failed.
 * @param most rows to fetch
 * @throws the server's error when a table is locked or the session has ended
 */
export const runQuery = async (client: Queryable, { sql }: GuideQuery, most: number): Promise<QueryOutcome> => {
  await client.query('SAVEPOINT guide_query')
  try {
    await client.query(extended(`${DECLARE}${sql}`))
    const { fields, rows } = await client.query<(string | null)[]>(
      extended(`FETCH FORWARD ${most + 1} FROM guide_query`),
    )
    await client.query('ROLLBACK TO SAVEPOINT guide_query')
    const table = { columns: fields.map(({ name }) => name), rows: rows.slice(0, most), isCut: rows.length > most }
    return { kind: 'table', table }
  } catch (error) {
    if (!isServerError(error) || hasSqlState(error, SqlState.lockNotAvailable)) throw error
    // When the session has ended, its first error says why.
    await client.query('ROLLBACK TO SAVEPOINT guide_query').catch(() => {
      throw error
    })
    return { kind: 'failed', error, position: positionOf(error) }
  }
}

const positionOf = ({ position }: ServerError): number | undefined => {
  const at = Number(position ?? 0) - DECLARE.length
  return at > 0 ? at : undefined
}

/** A protocol in which the server itself refuses a second statement; node-postgres' types do not declare it. */
interface ExtendedQuery extends QueryArrayConfig {
  readonly queryMode: 'extended'
}

const extended = (text: string): ExtendedQuery => ({
  text,
  queryMode: 'extended',
  rowMode: 'array',
  types: { getTypeParser: () => (value: string) => value },
})
