import type { Catalog } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'

/** The table of messages, the only one that may be partitioned. */
export const MESSAGES = 'ChatMessage'

/** Whether it is. */
export const isPartitioned = ({ partitioned }: Pick<Catalog, 'partitioned'>): boolean => partitioned.includes(MESSAGES)

/** A partitioned table, or one of its partitions at any level. */
export interface Partition {
  readonly id: string
  /** The table whose partition it is; null for the table itself. */
  readonly parent: string | null
  readonly schema: string
  readonly name: string
  /** As in pg_class: `p` has partitions of its own, `r` has rows, `f` is a foreign table. */
  readonly kind: string
}

/** An index of one of them. */
export interface PartitionIndex {
  readonly id: string
  /** The table, by its id. */
  readonly table: string
  readonly name: string
  /** The index that it is attached to, by its id; null for none. */
  readonly parent: string | null
  readonly valid: boolean
  readonly unique: boolean
  /** What follows `USING`, without storage parameters; types of the application's schema without it. */
  readonly definition: string
}

/** The partitions of a table, and their indexes. */
export interface Partitions {
  /** The table first, and each before its own partitions. */
  readonly tables: readonly Partition[]
  readonly indexes: readonly PartitionIndex[]
}

const SELECT_TABLES = `
  SELECT c.oid::text AS "id", t.parentrelid::oid::text AS "parent", n.nspname AS "schema", c.relname AS "name",
    c.relkind AS "kind"
  FROM pg_catalog.pg_partition_tree(to_regclass($1)) AS t
  JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  ORDER BY t.level, c.relname`

const SELECT_INDEXES = String.raw`
  SELECT i.oid::text AS "id", x.indrelid::text AS "table", i.relname AS "name", h.inhparent::text AS "parent",
    x.indisvalid AND x.indisready AND x.indislive AS "valid", x.indisunique AS "unique",
    replace(
      regexp_replace(substring(pg_catalog.pg_get_indexdef(i.oid) FROM ' USING (.*)$'), ' WITH \([^()]*\)', ''),
      '::' || quote_ident(s.nspname) || '.', '::') AS "definition"
  FROM pg_catalog.pg_partition_tree(to_regclass($1)) AS t
  JOIN pg_catalog.pg_index AS x ON x.indrelid = t.relid
  JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
  JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass($1)
  JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = i.oid
  ORDER BY i.relname`

/** Reads the partitions of a table, which is given with its schema. */
export const readPartitions = async (client: Queryable, table: string): Promise<Partitions> => {
  const tables = await client.query<Partition>(SELECT_TABLES, [table])
  const indexes = await client.query<PartitionIndex>(SELECT_INDEXES, [table])
  return { tables: tables.rows, indexes: indexes.rows }
}
