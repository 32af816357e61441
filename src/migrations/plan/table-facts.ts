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

const SELECT_TABLE_FACTS = `
  SELECT c.relname AS "table",
    CASE WHEN c.reltuples >= 0 THEN c.reltuples::float8 END AS "rows",
    pg_catalog.pg_relation_size(c.oid)::float8 AS "bytes",
    pg_catalog.pg_total_relation_size(c.oid)::float8 AS "totalBytes",
    c.relkind = 'p' AS "partitioned",
    ARRAY(
      SELECT json_build_object('name', i.relname, 'bytes', pg_catalog.pg_relation_size(i.oid))
      FROM pg_catalog.pg_index AS x
      JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
      WHERE x.indrelid = c.oid
      ORDER BY pg_catalog.pg_relation_size(i.oid) DESC, i.relname
    ) AS "indexes"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY ($2)
  ORDER BY pg_catalog.pg_total_relation_size(c.oid) DESC, c.relname`

/** Sizes of the tables that exist, largest first. */
export const readTableFacts = async (
  client: Queryable,
  schema: string,
  tables: readonly string[],
): Promise<readonly TableFacts[]> => {
  const { rows } = await client.query<TableFacts>(SELECT_TABLE_FACTS, [schema, tables])
  return rows
}
