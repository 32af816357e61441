import { createHash } from 'node:crypto'
import type { QueryResult, QueryResultRow } from 'pg'
import type { Queryable } from './connection.js'
import { hasSqlState, SqlState } from './sql-state.js'

/** Runs statements that the server plans once for each connection. */
export interface PreparedStatements {
  query<Row extends QueryResultRow>(db: Queryable, text: string, values: readonly unknown[]): Promise<QueryResult<Row>>
}

/**
 * A statement's name is a hash of its text, so that one name never means two statements. Behind a pooler that gives each
 * transaction another connection a name is unknown, or known already; then this goes on without names, for good.
 */
export const createPreparedStatements = (): PreparedStatements => {
  const names = new Map<string, string>()
  let isUsable = true
  const nameOf = (text: string): string => {
    const known = names.get(text)
    if (known !== undefined) return known
    const name = `chatkeep_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
    names.set(text, name)
    return name
  }
  return {
    query: async <Row extends QueryResultRow>(db: Queryable, text: string, values: readonly unknown[]) => {
      if (isUsable) {
        try {
          return await db.query<Row>({ name: nameOf(text), text, values: [...values] })
        } catch (error) {
          if (!hasSqlState(error, ...NAME_TROUBLE)) throw error
          isUsable = false
        }
      }
      return db.query<Row>(text, [...values])
    },
  }
}

/** After none of them anything is stored. The last: a column that the statement returns has another type now. */
const NAME_TROUBLE = [
  SqlState.invalidSqlStatementName,
  SqlState.duplicatePreparedStatement,
  SqlState.featureNotSupported,
] as const
