import type { Queryable } from '../../database/connection.js'

/** A column that the session's role may read. */
export interface ReadableColumn {
  readonly name: string
  /** As `format_type` writes it. */
  readonly type: string
}

/**
 * Which of these columns exist and may be read. Asked of the catalog, because an error would stand in the log of the server.
 * @param table qualified and quoted, as in `Names`
 */
export const readableColumns = async (
  db: Queryable,
  table: string,
  columns: readonly string[],
): Promise<readonly ReadableColumn[]> => (await db.query<ReadableColumn>(SELECT_COLUMNS, [table, columns])).rows

// Not to_regclass, which fails where the role may not use the schema.
const SELECT_COLUMNS = `
  SELECT a.attname::pg_catalog.text AS "name", pg_catalog.format_type(a.atttypid, a.atttypmod) AS "type"
  FROM pg_catalog.parse_ident($1::pg_catalog.text) AS t (parts)
  JOIN pg_catalog.pg_namespace AS n ON n.nspname OPERATOR(pg_catalog.=) t.parts[1]::pg_catalog.name
  JOIN pg_catalog.pg_class AS c
    ON c.relnamespace OPERATOR(pg_catalog.=) n.oid AND c.relname OPERATOR(pg_catalog.=) t.parts[2]::pg_catalog.name
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
  WHERE a.attname OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.name[])
    AND NOT a.attisdropped
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'::pg_catalog.text)
    AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'::pg_catalog.text)`
