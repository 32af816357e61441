import { quoted } from '../../database/identifier.js'
import { UTC_NOW } from '../../persistence/sql-names.js'
import type { Aggregate, Source } from '../metric.js'
import { estimatedRows, overPartitions } from './tables.js'

const DAYS = 7

/** The mean that growth is computed from, for the help of its metrics. */
export const GROWTH_MEAN = `the mean of the last ${DAYS} days`

// Ids instead of rows: the newest, and that of the first row of the days, are a descent of an index each.
const growthOf = (table: string): string => `
  SELECT c.relname::text AS "table", newest."id" AS "lastId",
    greatest(0, newest."id" - coalesce((
      SELECT "id" FROM ${table}
      WHERE "createdAt" > ${UTC_NOW} - interval '${DAYS} days'
      ORDER BY "createdAt" NULLS FIRST
      LIMIT 1
    ), newest."id"))::float8 / ${DAYS} AS "idsPerDay",
    ${overPartitions('sum', (oid) => `pg_total_relation_size(${oid})`, 'c.oid')}
      / nullif(${overPartitions('sum', estimatedRows, 'c.oid')}, 0) AS "bytesPerRow",
    (SELECT CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END
     FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'id') AS "largestId"
  FROM pg_catalog.pg_class AS c, (SELECT max("id") AS "id" FROM ${table}) AS newest
  WHERE c.oid = ${quoted(table)}::regclass`

/** A row for each table that grows with use. */
export const growth: Source = {
  reads: '"ChatMessage_createdAt_clientId_idx", "Client_createdAt_brin"',
  rows: ({ message, client }) => [message, client].map(growthOf).join(' UNION ALL '),
}

/** A value for each of these tables. @param sql an expression over its row */
export const perTable = (sql: string) => (): readonly Aggregate[] =>
  ['ChatMessage', 'Client'].map((table) => ({
    labels: { table },
    sql: `max(${sql}) FILTER (WHERE r."table" = '${table}')`,
  }))
