import type { Queryable } from '../../database/connection.js'

/** A foreign key of one column; all names are quoted for SQL. */
export interface Reference {
  readonly table: string
  readonly column: string
  /** The referenced column. */
  readonly key: string
  /** The operator that compares the referenced column with the other, as the foreign key itself does. */
  readonly equals: string
}

const SELECT_REFERENCES = `
  SELECT format('%I.%I', n.nspname, c.relname) AS "table", quote_ident(a.attname) AS "column", quote_ident(f.attname) AS "key",
    format('OPERATOR(%I.%s)', s.nspname, o.oprname) AS "equals"
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
  JOIN pg_catalog.pg_attribute AS f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
  JOIN pg_catalog.pg_operator AS o ON o.oid = k.conpfeqop[1]
  JOIN pg_catalog.pg_namespace AS s ON s.oid = o.oprnamespace
  WHERE k.contype = 'f' AND k.confrelid = to_regclass($1)
  ORDER BY 1, 2`

/**
 * Reads the foreign keys that reference a table, from any schema.
 * @param table quoted for SQL
 */
export const readReferences = async (client: Queryable, table: string): Promise<readonly Reference[]> => {
  const { rows } = await client.query<Reference>(SELECT_REFERENCES, [table])
  return rows
}

/**
 * SQL for the rows that reference a row.
 * @param row the alias of that row
 */
export const referencingRows = ({ table, column, key, equals }: Reference, row: string): string =>
  `SELECT FROM ${table} AS r WHERE ${row}.${key} ${equals} r.${column}`
