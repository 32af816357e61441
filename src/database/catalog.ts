import type { Queryable } from './connection.js'
import type { ReadPart } from './waiting/read-in-parts.js'

/** A column as the server describes it. */
export interface CatalogColumn {
  readonly table: string
  readonly column: string
  /** With modifiers, e.g. `timestamp(3) without time zone`; a type of the same schema without it, e.g. `"MessageType"`. */
  readonly type: string
  readonly nullable: boolean
  /** Has a default, or is an identity or generated column: an insert can omit it. */
  readonly optional: boolean
}

/** An index as the server describes it. */
export interface CatalogIndex {
  readonly table: string
  readonly name: string
  readonly unique: boolean
  /** False after a failed concurrent build: the index slows writes and answers no query. */
  readonly valid: boolean
  /**
   * What follows `USING` in its definition: method, columns, order, collation, predicate; types of the same schema without it.
   * Storage parameters are left out: they are the DBA's.
   */
  readonly definition: string
  /** Its constraint without DEFERRABLE, as ADD CONSTRAINT takes it; null if it is checked at once, as ON CONFLICT needs it. */
  readonly deferrable: string | null
}

/** A trigger of chatkeep. */
export interface CatalogTrigger {
  readonly table: string
  readonly name: string
}

/** The objects of one schema that chatkeep uses. */
export interface Catalog {
  readonly tables: readonly string[]
  /** Those of the tables that are partitioned. */
  readonly partitioned: readonly string[]
  readonly columns: readonly CatalogColumn[]
  readonly indexes: readonly CatalogIndex[]
  /** Enum types and their labels, in order. */
  readonly enums: ReadonlyMap<string, readonly string[]>
  /** CHECK constraints by name, and whether each is validated. */
  readonly checks: ReadonlyMap<string, boolean>
  /** Triggers whose names begin with `chatkeep_`. */
  readonly triggers: readonly CatalogTrigger[]
}

const SELECT_TABLES = `
  SELECT c.relname AS "table", c.relkind = 'p' AS "partitioned"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
  ORDER BY c.relname`

const SELECT_COLUMNS = `
  SELECT c.relname AS "table",
    a.attname AS "column",
    CASE WHEN tn.nspname IN ($1, 'pg_catalog') AND t.typtype = 'e'
      THEN quote_ident(t.typname)
      ELSE pg_catalog.format_type(a.atttypid, a.atttypmod)
    END AS "type",
    NOT a.attnotnull AS "nullable",
    a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '' AS "optional"
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
  JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    AND c.relname = ANY ($2)
  ORDER BY c.relname, a.attnum`

const SELECT_INDEXES = String.raw`
  SELECT c.relname AS "table",
    i.relname AS "name",
    x.indisunique AS "unique",
    x.indisvalid AND x.indisready AND x.indislive AS "valid",
    replace(
      regexp_replace(substring(pg_catalog.pg_get_indexdef(x.indexrelid) FROM ' USING (.*)$'), ' WITH \([^()]*\)', ''),
      '::' || quote_ident($1) || '.', '::') AS "definition",
    regexp_replace(pg_catalog.pg_get_constraintdef(k.oid), ' DEFERRABLE( INITIALLY DEFERRED)?$', '') AS "deferrable"
  FROM pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
  JOIN pg_catalog.pg_class AS c ON c.oid = x.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = i.relnamespace
  LEFT JOIN pg_catalog.pg_constraint AS k
    ON k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x') AND k.condeferrable
  WHERE n.nspname = $1
  ORDER BY c.relname, i.relname`

const SELECT_ENUMS = `
  SELECT t.typname AS "name", array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS "labels"
  FROM pg_catalog.pg_type AS t
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
  JOIN pg_catalog.pg_enum AS e ON e.enumtypid = t.oid
  WHERE n.nspname = $1
  GROUP BY t.typname`

const SELECT_CHECKS = `
  SELECT k.conname AS "name", k.convalidated AS "validated"
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND k.contype = 'c'`

const SELECT_TRIGGERS = String.raw`
  SELECT c.relname AS "table", t.tgname AS "name"
  FROM pg_catalog.pg_trigger AS t
  JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND t.tgname LIKE 'chatkeep\_%'
  ORDER BY c.relname, t.tgname`

/** Reads the columns of these tables. */
export const readColumns = async (
  client: Queryable,
  schema: string,
  tables: readonly string[],
): Promise<readonly CatalogColumn[]> => (await client.query<CatalogColumn>(SELECT_COLUMNS, [schema, tables])).rows

/**
 * Reads the objects of one schema. Takes no locks that block other sessions.
 * @param tables whose columns to read
 * @param part reads what may be locked
 */
export const readCatalog = async (
  client: Queryable,
  schema: string,
  tables: readonly string[],
  part: ReadPart = (read) => read(),
): Promise<Catalog> => {
  const foundTables = await client.query<{ table: string; partitioned: boolean }>(SELECT_TABLES, [schema])
  const columns = await readColumns(client, schema, tables)
  // Alone of all these, the definition of an index needs a lock on its table.
  const indexes = await part(async () => (await client.query<CatalogIndex>(SELECT_INDEXES, [schema])).rows)
  const enums = await client.query<{ name: string; labels: string[] }>(SELECT_ENUMS, [schema])
  const checks = await client.query<{ name: string; validated: boolean }>(SELECT_CHECKS, [schema])
  const triggers = await client.query<CatalogTrigger>(SELECT_TRIGGERS, [schema])
  return {
    tables: foundTables.rows.map(({ table }) => table),
    partitioned: foundTables.rows.filter(({ partitioned }) => partitioned).map(({ table }) => table),
    columns,
    indexes,
    enums: new Map(enums.rows.map(({ name, labels }) => [name, labels])),
    checks: new Map(checks.rows.map(({ name, validated }) => [name, validated])),
    triggers: triggers.rows,
  }
}
