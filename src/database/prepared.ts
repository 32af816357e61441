import { createHash } from 'node:crypto'
import type { QueryResult, QueryResultRow } from 'pg'
import type { Queryable } from './connection.js'
import { hasSqlState, SqlState } from './sql-state.js'

/** Runs prepared statements, which the server plans once for each connection. */
export interface PreparedStatements {
  query<Row extends QueryResultRow>(db: Queryable, text: string, values: readonly unknown[]): Promise<QueryResult<Row>>
}

/**
 * A statement's name is a hash of its text, so a name never means two statements. Behind a transaction pooler a name can be
 * unknown to the session, or already taken; from then on statements run without names.
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

/** Errors after which nothing is stored. The last: the type of a returned column changed. */
const NAME_TROUBLE = [
  SqlState.invalidSqlStatementName,
  SqlState.duplicatePreparedStatement,
  SqlState.featureNotSupported,
] as const
