import type { OwnClient } from '../own/own-client.js'

/** A table that shares columns with messages by inheritance. */
export interface Relative {
  /** `child`: it has the columns of messages. `parent`: messages have its columns. `partitioned`: messages are its partition. */
  readonly kind: 'child' | 'parent' | 'partitioned'
  readonly table: string
  /** The columns that messages have from it; none for a child. */
  readonly columns: readonly string[]
  /** The statement that ends it. */
  readonly wayOut: string
}

/** Reads the tables from which messages inherit, and those that inherit from them. */
export const readRelatives = async (client: OwnClient): Promise<readonly Relative[]> =>
  (await client.query<Relative>(SELECT_RELATIVES, [client.own.message])).rows

const SELECT_RELATIVES = `
  SELECT 'child' AS "kind", i.identity AS "table", '{}'::text[] AS "columns",
    format('ALTER TABLE %s NO INHERIT %s', i.identity, m.identity) AS "wayOut"
  FROM pg_catalog.pg_inherits AS h
  JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent AND c.relkind = 'r'
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, h.inhrelid, 0) AS i
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, h.inhparent, 0) AS m
  WHERE h.inhparent = to_regclass($1)
  UNION ALL
  SELECT CASE p.relkind WHEN 'p' THEN 'partitioned' ELSE 'parent' END, i.identity,
    ARRAY(
      SELECT b.attname::text
      FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_attribute AS b ON b.attrelid = h.inhrelid AND b.attname = a.attname AND b.attinhcount > 0
      WHERE a.attrelid = h.inhparent AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum),
    CASE p.relkind
      WHEN 'p' THEN format('ALTER TABLE %s DETACH PARTITION %s', i.identity, m.identity)
      ELSE format('ALTER TABLE %s NO INHERIT %s', m.identity, i.identity) END
  FROM pg_catalog.pg_inherits AS h
  JOIN pg_catalog.pg_class AS p ON p.oid = h.inhparent
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, h.inhparent, 0) AS i
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, h.inhrelid, 0) AS m
  WHERE h.inhrelid = to_regclass($1)
  ORDER BY 1, 2`
