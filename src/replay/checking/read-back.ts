import type { Queryable } from '../../database/connection.js'
import { askInHalves } from '../../database/encoding/ask-in-halves.js'
import { explainMissingSchema } from '../../persistence/errors.js'
import { toId, toIdOrNull, type StoredId, type WithStoredIds } from '../../persistence/ids/ids.js'
import { isTakenOverSql } from '../../persistence/follow-clients.js'
import { readableColumns } from '../../persistence/access/readable-columns.js'
import { namesIn, type Names } from '../../persistence/sql-names.js'
import type { StoredMessage } from './judge.js'
import { createReadChanges, type Changes } from './changes.js'
import type { EarlierIds, IdGap } from './earlier-ids.js'
import type { NewRow, Twins } from './judge-new-rows.js'

/** A name that more than one client has. */
export interface DoubledClient {
  readonly username: string
  readonly ids: readonly number[]
}

/** Reads what is stored without the store. Each query is one statement, so a transaction pooler will do. */
export interface ReadBack {
  /** The ids so far; later rows have other ids, unless their statement began before. */
  earlierIds(): Promise<EarlierIds>
  rowsByKey(keys: readonly string[]): Promise<readonly StoredMessage[]>
  /** What was edited or deleted since of the messages with these keys. */
  changesOf(keys: readonly string[]): Promise<Changes>
  rowsById(ids: readonly number[]): Promise<readonly StoredMessage[]>
  /** For each row, the rows with the same sender type and content among the newest of its conversation. */
  twinsOf(ids: readonly number[]): Promise<readonly Twins[]>
  /** The names, of those given, that more than one client has. */
  doubledClients(usernames: readonly string[]): Promise<readonly DoubledClient[]>
  /** The first rows of a gap, in the order of their ids. */
  rowsIn(gap: IdGap, limit: number): Promise<readonly NewRow[]>
}

/** @throws SchemaNotReady from each of its methods when the database was not migrated */
export const createReadBack = (client: Queryable, schema: string): ReadBack => {
  const names = namesIn(schema)
  const { message, client: clientTable } = names
  let knowsFormerNames: Promise<boolean> | undefined
  const storedMessage = async (): Promise<string> => {
    knowsFormerNames ??= readableColumns(client, names.clientAliases, ['username', 'clientId']).then(
      ({ length }) => length === 2,
    )
    return storedMessageSql(names, await knowsFormerNames)
  }
  const read = async <Row extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    try {
      const { rows } = await client.query<Row>(sql, [...values])
      return rows
    } catch (error) {
      throw explainMissingSchema(error)
    }
  }
  return {
    earlierIds: async () => {
      const ranges = await read<{ least: StoredId; largest: StoredId }>(earlierIdsSql(message))
      return ranges.map(({ least, largest }) => [toId(least), toId(largest)])
    },
    rowsByKey: async (keys) => {
      const sql = `${await storedMessage()}${BY_KEY}`
      return (await askInHalves(keys, (some) => read<StoredRow>(sql, [some]))).map(toStoredMessage)
    },
    changesOf: createReadChanges(client, schema),
    rowsById: async (ids) => (await read<StoredRow>(`${await storedMessage()}${BY_ID}`, [ids])).map(toStoredMessage),
    twinsOf: async (ids) => {
      const rows = await read<{ id: StoredId; twinIds: readonly StoredId[] }>(twinsSql(message), [ids])
      return rows.map(({ id, twinIds }) => ({ id: toId(id), twinIds: twinIds.map(toId) }))
    },
    doubledClients: async (usernames) => {
      if (usernames.length === 0) return []
      const rows = await askInHalves(usernames, (some) =>
        read<{ username: string; ids: readonly StoredId[] }>(doubledClientsSql(clientTable), [some]),
      )
      return rows.map(({ username, ids }) => ({ username, ids: ids.map(toId) }))
    },
    rowsIn: async ({ after, before }, limit) => {
      const rows = await read<WithStoredIds<NewRow, 'id'>>(rowsInSql(message), [after, before, limit])
      return rows.map((row) => ({ ...row, id: toId(row.id) }))
    },
  }
}

type StoredRow = WithStoredIds<StoredMessage, 'id' | 'operatorId' | 'clientId'>

const toStoredMessage = (row: StoredRow): StoredMessage => ({
  ...row,
  id: toId(row.id),
  operatorId: toIdOrNull(row.operatorId),
  clientId: toIdOrNull(row.clientId),
})

// Names the columns of the guest-chat update: a database without them fails here, before the first message is sent.
const earlierIdsSql = (message: string): string => `
  SELECT r."least", r."largest"
  FROM (
    SELECT min("id") AS "least", max("id") AS "largest" FROM ${message} WHERE "id" < 0
    UNION ALL
    SELECT min("id"), max("id") FROM ${message} WHERE "id" >= 0
  ) AS r
  WHERE r."least" IS NOT NULL
    AND NOT EXISTS (SELECT "guestUsername", "guestPhone", "idempotencyKey" FROM ${message} WHERE false)
  ORDER BY r."least"`

const storedMessageSql = (names: Names, knowsFormerNames: boolean): string => `
  SELECT m."id", m."idempotencyKey", m."senderType"::text, m."messageType"::text, m."text", m."imageUrl", m."imageName", m."mimeType",
    m."guestUsername", m."guestPhone", m."sessionId", m."operatorId", m."clientId", c."username" AS "clientUsername",
    m."createdAt" AT TIME ZONE 'UTC' AS "createdAt", ${
      knowsFormerNames
        ? `EXISTS (
            SELECT FROM ${names.clientAliases} AS a
            WHERE a."username" = m."guestUsername" AND a."clientId" = m."clientId" AND NOT ${isTakenOverSql(names, 'a')})`
        : 'false'
    } AS "isFormerName"
  FROM ${names.message} AS m
  LEFT JOIN ${names.client} AS c ON c."id" = m."clientId"`

const BY_KEY = `
  WHERE m."idempotencyKey"::text = ANY ($1::text[])
  ORDER BY m."id"`

const BY_ID = `
  WHERE m."id" = ANY ($1::bigint[])
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
  WHERE m."id" = ANY ($1::bigint[])
  ORDER BY m."id"`

const doubledClientsSql = (client: string): string => `
  SELECT "username", array_agg("id" ORDER BY "id") AS "ids"
  FROM ${client}
  WHERE "username"::text = ANY ($1::text[])
  GROUP BY "username"
  HAVING count(*) > 1
  ORDER BY "username"`

const rowsInSql = (message: string): string => `
  SELECT "id", "sessionId", "idempotencyKey"
  FROM ${message}
  WHERE ($1::bigint IS NULL OR "id" > $1::bigint) AND ($2::bigint IS NULL OR "id" < $2::bigint)
  ORDER BY "id"
  LIMIT $3`
