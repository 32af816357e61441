import type { Queryable } from '../database/connection.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'
import { SchemaNotReady } from '../persistence/errors.js'
import { namesIn } from '../persistence/statements.js'
import type { NewRow, StoredMessage } from './judge.js'

/** Reads what is stored, past the core. Every question is one statement, so it may go through a transaction pooler. */
export interface ReadBack {
  /** The largest id so far; whatever is written from now on has a larger one, unless its statement began before. */
  highWaterMark(): Promise<number>
  rowsByKey(keys: readonly string[]): Promise<readonly StoredMessage[]>
  /** The rows that follow an id, in the order of their ids. */
  rowsAfter(id: number, limit: number): Promise<readonly NewRow[]>
}

/** @throws SchemaNotReady from each of its methods when the database was not migrated */
export const createReadBack = (client: Queryable, schema: string): ReadBack => {
  const { message } = namesIn(schema)
  const read = async <Row extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    try {
      const { rows } = await client.query<Row>(sql, [...values])
      return rows
    } catch (error) {
      if (hasSqlState(error, ...SCHEMA_STATES)) throw new SchemaNotReady(error.message, error)
      throw error
    }
  }
  return {
    highWaterMark: async () => {
      const [row] = await read<{ id: number }>(highWaterMarkSql(message))
      return row?.id ?? 0
    },
    rowsByKey: (keys) => read<StoredMessage>(rowsByKeySql(message), [keys]),
    rowsAfter: (id, limit) => read<NewRow>(rowsAfterSql(message), [id, limit]),
  }
}

const SCHEMA_STATES = [SqlState.undefinedTable, SqlState.undefinedColumn, SqlState.invalidSchemaName]

// Names the columns of the guest-chat update, so that a database without them is met before the first message is sent.
const highWaterMarkSql = (message: string): string => `
  SELECT "id", "guestUsername", "guestPhone", "idempotencyKey"
  FROM ${message}
  ORDER BY "id" DESC
  LIMIT 1`

const rowsByKeySql = (message: string): string => `
  SELECT "id", "idempotencyKey", "senderType"::text, "text", "guestUsername", "sessionId",
    "createdAt" AT TIME ZONE 'UTC' AS "createdAt"
  FROM ${message}
  WHERE "idempotencyKey" = ANY ($1::text[])
  ORDER BY "id"`

const rowsAfterSql = (message: string): string => `
  SELECT "id", "sessionId", "idempotencyKey"
  FROM ${message}
  WHERE "id" > $1
  ORDER BY "id"
  LIMIT $2`
