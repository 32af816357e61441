import type { BatchOptions } from '../archive/in-batch.js'
import type { OwnClient } from '../own/own-client.js'
import { notedKeySql } from '../../persistence/keys/noted-key.js'
import type { OwnNames } from '../../persistence/own-names.js'
import { keepReturnedKeys, readHasKeyTable } from '../partitions/key-table.js'
import { escapeIdentifier } from '../../database/identifier.js'
import { restoreBatch } from './restore-batch.js'

const BATCH_ROWS = 1_000

// Only writable columns that both the table and the archived row have. Rows of different rollbacks can have different
// columns, so rows of the same shape are restored together.
const selectShape = ({ archive }: OwnNames): string => `
  SELECT shape."keys", ARRAY(
      SELECT a.attname::text
      FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        AND a.attname = ANY (shape."keys")
      ORDER BY a.attnum) AS "columns"
  FROM (
    SELECT ARRAY(SELECT json_object_keys("removedRow")) AS "keys"
    FROM ${archive}
    WHERE "removedRow" IS NOT NULL
    ORDER BY "messageId"
    LIMIT 1
  ) AS shape`

interface Shape {
  readonly keys: readonly string[]
  readonly columns: readonly string[]
}

/**
 * Moves whole messages from the archive back to their table. Their archive rows stay, for `restoreArchive` to restore the
 * rest from. Safe to interrupt anywhere.
 */
export const returnRemovedMessages = async (
  client: OwnClient,
  { signal, replicas }: Pick<BatchOptions, 'signal' | 'replicas'>,
): Promise<number> => {
  await client.query(passArchivedIds(client.own), [client.own.message])
  const hasKeyTable = await readHasKeyTable(client)
  for (let returned = 0; ;) {
    signal.throwIfAborted()
    await replicas.betweenBatches(client)
    const { rows } = await client.query<Shape>(selectShape(client.own), [client.own.message])
    const [shape] = rows
    if (shape === undefined) return returned
    const batch = await restoreBatch(client, {
      event: 'INSERT',
      sql: returnSql(client.own, shape.columns, hasKeyTable),
      values: [shape.keys, client.own.message],
    })
    returned += batch.changed
  }
}

/** How far ahead of the sequence an archived id may be for a new id to come to it. */
const NEAR = 1_000_000

// The sequence may have been set back to the largest id that the rollback left. It keeps its direction and its step, and is not
// sent to archived ids that it would not come to: those of the other half, or behind it.
const passArchivedIds = ({ archive }: OwnNames): string => `
  SELECT pg_catalog.setval(s."sequence", n."next")
  FROM (
    SELECT q.seqrelid::regclass AS "sequence", q.seqincrement AS "step", q.seqmin, q.seqmax,
      coalesce(pg_catalog.pg_sequence_last_value(q.seqrelid), 0) AS "last"
    FROM pg_catalog.pg_sequence AS q
    WHERE q.seqrelid = pg_catalog.pg_get_serial_sequence($1, 'id')::regclass
  ) AS s
  CROSS JOIN LATERAL (
    SELECT max(abs("messageId" - s."last")) AS "way" FROM ${archive}
    WHERE "removedRow" IS NOT NULL AND ("messageId" - s."last") * sign(s."step")::integer BETWEEN 1 AND ${NEAR}
  ) AS a
  CROSS JOIN LATERAL (
    SELECT s."last" + (a."way" + abs(s."step") - 1) / abs(s."step") * s."step" AS "next"
  ) AS n
  WHERE n."next" BETWEEN s.seqmin AND s.seqmax`

// A deleted operator becomes NULL, as for messages in the table. A key that another message now has becomes NULL, and a message
// whose id is taken gets a new one.
const returnSql = (names: OwnNames, columns: readonly string[], hasKeyTable: boolean): string => `
  WITH batch AS (
    SELECT "messageId", "removedRow",
      CASE WHEN EXISTS (SELECT FROM ${names.message} AS o WHERE o."id" = "messageId")
        THEN pg_catalog.nextval(pg_catalog.pg_get_serial_sequence($2, 'id')::regclass) ELSE "messageId" END AS "id"
    FROM ${names.archive}
    WHERE "removedRow" IS NOT NULL AND ARRAY(SELECT json_object_keys("removedRow")) OPERATOR(pg_catalog.=) $1::text[]
    ORDER BY "messageId"
    LIMIT ${BATCH_ROWS}
  ), returned AS (
    INSERT INTO ${names.message} AS m (${columns.map(escapeIdentifier).join(', ')}) OVERRIDING SYSTEM VALUE
    SELECT ${columns.map((column) => valueOf(column, names)).join(', ')}
    FROM batch, pg_catalog.json_populate_record(NULL::${names.message}, batch."removedRow") AS r
    RETURNING ${hasKeyTable ? notedKeySql('m') : 'm."id"'}
  )${hasKeyTable ? keepReturnedKeys(names, 'returned') : ''}, done AS (
    UPDATE ${names.archive} AS a
    SET "removedRow" = NULL, "messageId" = batch."id"
    FROM batch
    WHERE a."messageId" = batch."messageId"
  )
  SELECT (SELECT count(*)::integer FROM batch) AS "found", (SELECT count(*)::integer FROM returned) AS "changed"`

const valueOf = (column: string, { user, message }: OwnNames): string => {
  switch (column) {
    case 'id':
      return `batch."id"`
    case 'operatorId':
      return `(SELECT u."id" FROM ${user} AS u WHERE u."id" = r."operatorId")`
    case 'idempotencyKey':
      return `CASE WHEN NOT EXISTS (SELECT FROM ${message} AS o WHERE o."idempotencyKey" = r."idempotencyKey") THEN r."idempotencyKey" END`
    default:
      return `r.${escapeIdentifier(column)}`
  }
}
