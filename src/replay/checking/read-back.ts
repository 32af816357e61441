import type { Queryable } from '../../database/connection.js'
import { explainMissingSchema } from '../../persistence/errors.js'
import { namesIn } from '../../persistence/sql-names.js'
import type { StoredMessage } from './judge.js'
import type { NewRow, Twins } from './judge-new-rows.js'

/** A name that more than one client has. */
export interface DoubledClient {
  readonly username: string
  readonly ids: readonly number[]
}

/** Reads what is stored without the store. Each query is one statement, so a transaction pooler will do. */
export interface ReadBack {
  /** The largest id so far; later rows have larger ids, unless their statement began before. */
  highWaterMark(): Promise<number>
  rowsByKey(keys: readonly string[]): Promise<readonly StoredMessage[]>
  rowsById(ids: readonly number[]): Promise<readonly StoredMessage[]>
  /** For each row, the rows with the same sender type and content among the newest of its conversation. */
  twinsOf(ids: readonly number[]): Promise<readonly Twins[]>
  /** The names, of those given, that more than one client has. */
  doubledClients(usernames: readonly string[]): Promise<readonly DoubledClient[]>
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
    rowsById: (ids) => read<StoredMessage>(rowsByIdSql(message, clientTable), [ids]),
    twinsOf: (ids) => read<Twins>(twinsSql(message), [ids]),
    doubledClients: (usernames) =>
      usernames.length === 0 ? Promise.resolve([]) : read<DoubledClient>(doubledClientsSql(clientTable), [usernames]),
    rowsAfter: (id, limit) => read<NewRow>(rowsAfterSql(message), [id, limit]),
  }
}

// Names the columns of the guest-chat update: a database without them fails here, before the first message is sent.
const highWaterMarkSql = (message: string): string => `
  SELECT "id", "guestUsername", "guestPhone", "idempotencyKey"
  FROM ${message}
  ORDER BY "id" DESC
  LIMIT 1`

const storedMessageSql = (message: string, client: string): string => `
  SELECT m."id", m."idempotencyKey", m."senderType"::text, m."messageType"::text, m."text", m."imageUrl", m."imageName", m."mimeType",
    m."guestUsername", m."guestPhone", m."sessionId", m."operatorId", m."clientId", c."username" AS "clientUsername",
    m."createdAt" AT TIME ZONE 'UTC' AS "createdAt"
  FROM ${message} AS m
  LEFT JOIN ${client} AS c ON c."id" = m."clientId"`

const rowsByKeySql = (message: string, client: string): string => `${storedMessageSql(message, client)}
  WHERE m."idempotencyKey"::text = ANY ($1::text[])
  ORDER BY m."id"`

const rowsByIdSql = (message: string, client: string): string => `${storedMessageSql(message, client)}
  WHERE m."id" = ANY ($1::integer[])
  ORDER BY m."id"`

// Bounded for each row: a conversation of a million messages costs no more than one of ten thousand.
const twinsSql = (message: string): string => `
  SELECT m."id", ARRAY (
    SELECT o."id"
    FROM (
      SELECT "id", "senderType", "text", "imageUrl"
      FROM ${message}
      WHERE "sessionId"::text = m."sessionId"::text
      ORDER BY "createdAt" DESC
      LIMIT 10000
    ) AS o
    WHERE o."id" <> m."id" AND o."senderType"::text = m."senderType"::text
      AND o."text"::text IS NOT DISTINCT FROM m."text"::text AND o."imageUrl"::text IS NOT DISTINCT FROM m."imageUrl"::text
    ORDER BY o."id"
    LIMIT 100
  ) AS "twinIds"
  FROM ${message} AS m
  WHERE m."id" = ANY ($1::integer[])
  ORDER BY m."id"`

const doubledClientsSql = (client: string): string => `
  SELECT "username", array_agg("id" ORDER BY "id") AS "ids"
  FROM ${client}
  WHERE "username"::text = ANY ($1::text[])
  GROUP BY "username"
  HAVING count(*) > 1
  ORDER BY "username"`

const rowsAfterSql = (message: string): string => `
  SELECT "id", "sessionId", "idempotencyKey"
  FROM ${message}
  WHERE "id" > $1
  ORDER BY "id"
  LIMIT $2`
