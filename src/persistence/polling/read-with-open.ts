import type { QueryResultRow } from 'pg'
import type { Queryable } from '../../database/connection.js'
import { instantSql, type InstantText } from '../../database/clock/instant.js'
import { readFromStandby } from '../../database/proxies/standby-reads.js'
import { firstRow } from '../../database/rows.js'
import type { Names } from '../sql-names.js'
import { microsOf, type Micros } from './micros.js'
import { openSql, parseOpen, type OpenTransaction } from './open-transactions.js'

interface State {
  readonly isStandby: boolean
  readonly now: InstantText
  readonly open: string | null
  /** Null where the query returned no row. */
  readonly isRow: true | null
}

// In one statement: a proxy may send the next one elsewhere, and it takes one round trip. pg_locks is read while the statement
// runs, so after its snapshot was taken.
const withOpen = (message: string, query: string): string => `
  SELECT s.*, q.*
  FROM (
    SELECT pg_catalog.pg_is_in_recovery() AS "isStandby", ${instantSql(`now() AT TIME ZONE 'UTC'`)} AS "now", ${openSql(message)} AS "open"
  ) AS s
  LEFT JOIN (SELECT true AS "isRow", r.* FROM (${query}) AS r) AS q ON true`

export interface WithOpen<Row> {
  readonly rows: readonly Row[]
  /** When the statement began. */
  readonly now: Micros
  readonly open: readonly OpenTransaction[]
}

/**
 * Runs a query, and tells which transactions of others were open after its snapshot was taken.
 * @throws OperatorError `read_from_standby`: a standby knows nothing of the transactions of its primary
 */
export const readWithOpen = async <Row extends QueryResultRow>(
  db: Queryable,
  { message }: Names,
  query: string,
  values: readonly unknown[],
): Promise<WithOpen<Row>> => {
  const result = await db.query<Row & State>(withOpen(message, query), [...values])
  const { isStandby, now, open } = firstRow(result)
  if (isStandby) throw readFromStandby()
  return {
    rows: result.rows.filter(({ isRow }) => isRow === true),
    now: microsOf(now),
    open: parseOpen(open),
  }
}
