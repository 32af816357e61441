import type { Queryable } from '../../database/connection.js'
import { ownSchema } from '../../persistence/own-names.js'
import { CHAT_TABLES } from '../../persistence/shape.js'

/** A table in a publication of updates or deletes whose rows the server cannot identify: it rejects the update or delete. */
export interface UnidentifiedTable {
  readonly schema: string
  readonly table: string
  readonly publication: string
  /**
   * `none`: no primary key and no other replica identity. `columns`: the publication's column list leaves a part of it out.
   * `filter`: the publication's WHERE reads a column that is no part of it.
   */
  readonly lacks: 'none' | 'columns' | 'filter'
}

/** What is missing, in words. */
export const LACKS: Readonly<Record<UnidentifiedTable['lacks'], string>> = {
  none: 'no primary key and no other replica identity',
  columns: 'its column list leaves out a part of the replica identity',
  filter: 'its WHERE reads columns that are no part of the replica identity',
}

// to_jsonb: before PostgreSQL 15 there are no column lists and no WHERE, whose columns are those of its parse tree.
const SELECT_UNIDENTIFIED = `
  WITH published AS (
    SELECT n.nspname AS "schema", c.relname AS "table", p.pubname AS "publication", c.oid, c.relreplident,
      (SELECT x.indrelid IS NOT NULL FROM pg_catalog.pg_index AS x
       WHERE x.indrelid = c.oid AND x.indisvalid AND CASE c.relreplident WHEN 'i' THEN x.indisreplident WHEN 'd' THEN x.indisprimary ELSE false END
       LIMIT 1) AS "identified",
      ARRAY(
        SELECT a.attname
        FROM pg_catalog.pg_index AS x
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (x.indkey)
        WHERE x.indrelid = c.oid AND CASE c.relreplident WHEN 'i' THEN x.indisreplident WHEN 'd' THEN x.indisprimary ELSE false END) AS "key",
      (SELECT to_jsonb(t) -> 'attnames' FROM pg_catalog.pg_publication_tables AS t
       WHERE t.pubname = p.pubname AND t.schemaname = n.nspname AND t.tablename = c.relname) AS "sent",
      ARRAY(
        SELECT a.attname
        FROM pg_catalog.pg_publication_rel AS r
        CROSS JOIN LATERAL regexp_matches(to_jsonb(r) ->> 'prqual', ':varattno (\\d+)', 'g') AS v
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = v[1]::integer
        WHERE r.prpubid = p.oid AND r.prrelid = c.oid) AS "filtered"
    FROM pg_catalog.pg_publication AS p
    JOIN pg_catalog.pg_publication_tables AS t ON t.pubname = p.pubname
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.schemaname
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.tablename
    WHERE (p.pubupdate OR p.pubdelete) AND (n.nspname = $1 AND c.relname = ANY ($2) OR n.nspname = $3)
  )
  SELECT "schema", "table", "publication",
    CASE WHEN "identified" IS NOT TRUE THEN 'none' WHEN NOT "filtered" <@ "key" THEN 'filter' ELSE 'columns' END AS "lacks"
  FROM published
  WHERE relreplident <> 'f' AND (
    "identified" IS NOT TRUE
    OR NOT "filtered" <@ "key"
    OR jsonb_typeof("sent") = 'array' AND EXISTS (
      SELECT FROM unnest("key") AS k ("column") WHERE NOT "sent" ? k."column"::text))
  ORDER BY 1, 2, 3`

/** Reads them among the tables of the chat and chatkeep's own. */
export const readUnidentified = async (client: Queryable, schema: string): Promise<readonly UnidentifiedTable[]> =>
  (await client.query<UnidentifiedTable>(SELECT_UNIDENTIFIED, [schema, CHAT_TABLES, ownSchema(schema)])).rows
