import type { OwnClient } from '../own/own-client.js'

/** A setting of the application on a column or an index that will be dropped, which harms no row. */
export interface Loss {
  readonly kind: 'privileges' | 'comment' | 'default' | 'cluster'
  /** The column, or the index. */
  readonly name: string
  /** The roles that have the privileges, or the default; null for the rest. */
  readonly detail: string | null
}

/**
 * Reads them, without what chatkeep itself sets.
 * @param migrations the SQL of all migrations, which has chatkeep's own comments
 */
export const readLosses = async (
  client: OwnClient,
  columns: readonly string[],
  indexes: readonly string[],
  migrations: string,
): Promise<readonly Loss[]> =>
  (await client.query<Loss>(SELECT_LOSSES, [columns, indexes, migrations, client.own.message, client.own.client])).rows

const SELECT_LOSSES = `
  WITH dropped AS (
    SELECT a.attrelid, a.attnum, a.attname, a.attacl
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = to_regclass($4) AND a.attname = ANY ($1)
  )
  SELECT 'privileges' AS "kind", attname::text AS "name",
    string_agg(DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee)::text END, ', ') AS "detail"
  FROM dropped, pg_catalog.aclexplode(attacl) AS x
  GROUP BY attname
  UNION ALL
  SELECT 'comment', attname::text, NULL
  FROM dropped
  JOIN pg_catalog.pg_description AS o ON o.classoid = 'pg_catalog.pg_class'::regclass AND o.objoid = attrelid AND o.objsubid = attnum
  WHERE strpos($3, quote_literal(o.description)) = 0
  UNION ALL
  SELECT 'default', attname::text, pg_catalog.pg_get_expr(e.adbin, e.adrelid)
  FROM dropped
  JOIN pg_catalog.pg_attrdef AS e ON e.adrelid = attrelid AND e.adnum = attnum
  WHERE attname <> 'guestUnverified' OR pg_catalog.pg_get_expr(e.adbin, e.adrelid) <> 'false'
  UNION ALL
  SELECT CASE WHEN n.indisclustered THEN 'cluster' ELSE 'comment' END, x.relname::text, NULL
  FROM pg_catalog.pg_class AS x
  JOIN pg_catalog.pg_index AS n ON n.indexrelid = x.oid AND n.indrelid = ANY (ARRAY[to_regclass($4), to_regclass($5)]::oid[])
  WHERE x.relname = ANY ($2)
    AND (n.indisclustered OR pg_catalog.obj_description(x.oid, 'pg_class') IS NOT NULL)
  ORDER BY 1, 2`
