import type { Queryable } from '../database/connection.js'
import { explainMissingSchema } from '../persistence/errors.js'
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
  const { message, client: clientTable } = namesIn(schema)
  const read = async <Row extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    try {
      const { rows } = await client.query<Row>(sql, [...values])
      return rows
    } catch (error) {
      throw explainMissingSchema(error)
    }
  }
  return {
    highWaterMark: async () => {
      const [row] = await read<{ id: number }>(highWaterMarkSql(message))
      return row?.id ?? 0
    },
    rowsByKey: (keys) => read<StoredMessage>(rowsByKeySql(message, clientTable), [keys]),
    rowsAfter: (id, limit) => read<NewRow>(rowsAfterSql(message), [id, limit]),
  }
}

// Names the columns of the guest-chat update, so that a database without them is met before the first message is sent.
const highWaterMarkSql = (message: string): string => `
  SELECT "id", "guestUsername", "guestPhone", "idempotencyKey"
  FROM ${message}
  ORDER BY "id" DESC
  LIMIT 1`

const rowsByKeySql = (message: string, client: string): string => `
  SELECT m."id", m."idempotencyKey", m."senderType"::text, m."messageType"::text, m."text", m."imageUrl", m."imageName", m."mimeType", m."guestUsername", m."guestPhone",
    m."sessionId", m."operatorId", m."clientId", c."username" AS "clientUsername",
    m."createdAt" AT TIME ZONE 'UTC' AS "createdAt"
  FROM ${message} AS m
  LEFT JOIN ${client} AS c ON c."id" = m."clientId"
  WHERE m."idempotencyKey" = ANY ($1::text[])
  ORDER BY m."id"`

const rowsAfterSql = (message: string): string => `
  SELECT "id", "sessionId", "idempotencyKey"
  FROM ${message}
  WHERE "id" > $1
  ORDER BY "id"
  LIMIT $2`
