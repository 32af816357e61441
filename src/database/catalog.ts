import type { Queryable } from './connection.js'
import { onlyRow } from './rows.js'

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
  /** What follows `USING` in its definition: method, columns, order, collation, predicate; types of the same schema without it. */
  readonly definition: string
}

/** A trigger as the server describes it. */
export interface CatalogTrigger {
  readonly table: string
  readonly name: string
  /** False when it is disabled, or fires only on a replica. */
  readonly enabled: boolean
  /** As `pg_get_triggerdef` writes it, without schema names. */
  readonly definition: string
}

/** A function of chatkeep, with what distinguishes it from others. */
export interface CatalogFunction {
  readonly name: string
  readonly bodyMd5: string
  /** SECURITY DEFINER: runs with the privileges of its owner. */
  readonly definer: boolean
  /** Sets its own search_path to this schema, whatever the caller's is. */
  readonly pinned: boolean
}

/** The objects of one schema that chatkeep uses. */
export interface Catalog {
  readonly tables: readonly string[]
  /** Comments of those tables that have one. */
  readonly tableComments: ReadonlyMap<string, string>
  readonly columns: readonly CatalogColumn[]
  readonly indexes: readonly CatalogIndex[]
  /** Enum types and their labels, in order. */
  readonly enums: ReadonlyMap<string, readonly string[]>
  /** CHECK constraints by name, and whether each is validated. */
  readonly checks: ReadonlyMap<string, boolean>
  /** Triggers whose names begin with `chatkeep_`. */
  readonly triggers: readonly CatalogTrigger[]
  /** Functions whose names begin with `chatkeep_`. */
  readonly functions: readonly CatalogFunction[]
}

const SELECT_TABLES = `
  SELECT c.relname AS "table", pg_catalog.obj_description(c.oid, 'pg_class') AS "comment"
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

const SELECT_INDEXES = `
  SELECT c.relname AS "table",
    i.relname AS "name",
    x.indisunique AS "unique",
    x.indisvalid AND x.indisready AND x.indislive AS "valid",
    replace(substring(pg_catalog.pg_get_indexdef(x.indexrelid) FROM ' USING (.*)$'), '::' || quote_ident($1) || '.', '::')
      AS "definition"
  FROM pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
  JOIN pg_catalog.pg_class AS c ON c.oid = x.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = i.relnamespace
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

// One statement: each is a round trip to a server that may be far away.
const SELECT_TRIGGERS_AND_FUNCTIONS = String.raw`
  SELECT ARRAY(
      SELECT json_build_object('table', c.relname, 'name', t.tgname, 'enabled', t.tgenabled IN ('O', 'A'), 'definition',
        replace(
          replace(pg_catalog.pg_get_triggerdef(t.oid), ' ON ' || quote_ident($1) || '.', ' ON '),
          ' EXECUTE FUNCTION ' || quote_ident($1) || '.', ' EXECUTE FUNCTION '))
      FROM pg_catalog.pg_trigger AS t
      JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND t.tgname LIKE 'chatkeep\_%'
      ORDER BY c.relname, t.tgname
    ) AS "triggers",
    ARRAY(
      SELECT json_build_object('name', p.proname, 'bodyMd5', md5(p.prosrc), 'definer', p.prosecdef, 'pinned',
        coalesce(p.proconfig @> ARRAY['search_path=' || quote_ident($1) || ', pg_temp'], false))
      FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
      WHERE n.nspname = $1 AND p.proname LIKE 'chatkeep\_%'
      ORDER BY p.proname
    ) AS "functions"`

interface TriggersAndFunctions {
  readonly triggers: readonly CatalogTrigger[]
  readonly functions: readonly CatalogFunction[]
}

/**
 * Reads the objects of one schema. Takes no locks that block other sessions.
 * @param tables whose columns to read
 */
export const readCatalog = async (client: Queryable, schema: string, tables: readonly string[]): Promise<Catalog> => {
  const foundTables = await client.query<{ table: string; comment: string | null }>(SELECT_TABLES, [schema])
  const columns = await client.query<CatalogColumn>(SELECT_COLUMNS, [schema, tables])
  const indexes = await client.query<CatalogIndex>(SELECT_INDEXES, [schema])
  const enums = await client.query<{ name: string; labels: string[] }>(SELECT_ENUMS, [schema])
  const checks = await client.query<{ name: string; validated: boolean }>(SELECT_CHECKS, [schema])
  const { triggers, functions } = onlyRow(
    await client.query<TriggersAndFunctions>(SELECT_TRIGGERS_AND_FUNCTIONS, [schema]),
  )
  return {
    tables: foundTables.rows.map(({ table }) => table),
    tableComments: new Map(
      foundTables.rows.flatMap(({ table, comment }) => (comment === null ? [] : [[table, comment] as const])),
    ),
    columns: columns.rows,
    indexes: indexes.rows,
    enums: new Map(enums.rows.map(({ name, labels }) => [name, labels])),
    checks: new Map(checks.rows.map(({ name, validated }) => [name, validated])),
    triggers,
    functions,
  }
}
