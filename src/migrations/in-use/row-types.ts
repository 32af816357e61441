import type { OwnClient } from '../own/own-client.js'
import { sql, type Next } from '../../next-step.js'
import { asJson } from './way-out.js'

/** A column that stores whole messages, with the row type of the table. */
export interface RowTypeColumn {
  readonly column: string
  /** What has to be done first. */
  readonly next: Next
}

/**
 * Reads the columns that store whole messages, as tables that log changes do. Such a column loses the values of a dropped column,
 * and prevents adding one with a default.
 */
export const readRowTypeColumns = async (client: OwnClient): Promise<readonly RowTypeColumn[]> =>
  (await client.query<Row>(SELECT_ROW_TYPE_COLUMNS, [client.own.message])).rows.map(({ column, wayOut, ofRepack }) => ({
    column,
    next: ofRepack ? AFTER_REPACK : sql(wayOut, 'first'),
  }))

interface Row {
  readonly column: string
  /** The statement that stores the rows as JSON. */
  readonly wayOut: string
  /** Whether the table is the log that pg_repack keeps while it rewrites messages: every write of the application goes there, too. */
  readonly ofRepack: boolean
}

// As words: while pg_repack runs, the statement would fail every write of the application.
const AFTER_REPACK =
  'wait until pg_repack is done with "ChatMessage"; if it is not running, an interrupted run left this: DROP EXTENSION pg_repack CASCADE'

// Also through arrays, domains, composite types and ranges of it, as the server itself looks for them.
const SELECT_ROW_TYPE_COLUMNS = `
  WITH RECURSIVE type (oid) AS (
    SELECT c.reltype FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass($1)
    UNION
    SELECT n.oid
    FROM type AS t
    CROSS JOIN LATERAL (
      SELECT y.oid FROM pg_catalog.pg_type AS y WHERE y.typelem = t.oid AND y.typlen = -1 OR y.typbasetype = t.oid
      UNION ALL
      SELECT c.reltype
      FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'c'
      WHERE a.atttypid = t.oid AND NOT a.attisdropped
      UNION ALL
      SELECT r.rngtypid FROM pg_catalog.pg_range AS r WHERE r.rngsubtype = t.oid
    ) AS n
  )
  SELECT i.identity AS "column", ${asJson('v.identity', 'a.attname::text')} AS "wayOut",
    s.nspname = 'repack' AND c.relname LIKE 'log\\_%' AS "ofRepack"
  FROM type AS t
  JOIN pg_catalog.pg_attribute AS a ON a.atttypid = t.oid AND NOT a.attisdropped
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'm', 'p')
  JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, a.attrelid, a.attnum) AS i
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, a.attrelid, 0) AS v
  ORDER BY 1`
