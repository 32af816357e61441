import { qualified } from '../../database/identifier.js'
import type { Queryable } from '../../database/connection.js'

/** Size of a table from the server's statistics; no rows are counted. */
export interface TableFacts {
  readonly table: string
  /** The planner's estimate; null for a table never analysed. */
  readonly rows: number | null
  /** The table without its indexes. */
  readonly bytes: number
  readonly totalBytes: number
  readonly partitioned: boolean
  /** Its indexes, largest first. */
  readonly indexes: readonly { readonly name: string; readonly bytes: number }[]
}

// The partitioned table itself has no rows; those of partitions never analysed are not counted.
const SELECT_TABLE_FACTS = `
  SELECT c.relname AS "table", all_of."rows", all_of."bytes"::float8 AS "bytes",
    all_of."totalBytes"::float8 AS "totalBytes", c.relkind = 'p' AS "partitioned",
    ARRAY(
      SELECT json_build_object('name', i.relname, 'bytes', pg_catalog.pg_relation_size(i.oid))
      FROM pg_catalog.pg_index AS x
      JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
      WHERE x.indrelid = c.oid
      ORDER BY pg_catalog.pg_relation_size(i.oid) DESC, i.relname
    ) AS "indexes"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
    SELECT sum(e.reltuples::float8) FILTER (WHERE e.reltuples >= 0) AS "rows",
      sum(pg_catalog.pg_relation_size(e.oid)) AS "bytes", sum(pg_catalog.pg_total_relation_size(e.oid)) AS "totalBytes"
    FROM pg_catalog.pg_class AS e
    WHERE e.oid = c.oid AND c.relkind = 'r'
      OR e.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) AS t WHERE t.isleaf)
  ) AS all_of
  WHERE c.relkind IN ('r', 'p') AND (n.nspname = $1 AND c.relname = ANY ($2)
    OR c.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(to_regclass($3)) AS t))
  ORDER BY all_of."totalBytes" DESC, c.relname`

/** Sizes of the tables that exist, and of the partitions of messages, largest first. */
export const readTableFacts = async (
  client: Queryable,
  schema: string,
  tables: readonly string[],
): Promise<readonly TableFacts[]> => {
  const { rows } = await client.query<TableFacts>(SELECT_TABLE_FACTS, [
    schema,
    tables,
    qualified(schema, 'ChatMessage'),
  ])
  return rows
}
