import type { OwnClient } from '../own/own-client.js'
import { objectName } from './way-out.js'

/** Something that uses an index that will be dropped. */
export interface IndexUse {
  readonly object: string
  readonly index: string
  /** The statement that ends it. */
  readonly wayOut: string
}

/** Reads foreign keys to the indexes, constraints made of them, and a replica identity that is one of them. */
export const readIndexUses = async (client: OwnClient, indexes: readonly string[]): Promise<readonly IndexUse[]> =>
  (await client.query<IndexUse>(SELECT_INDEX_USES, [indexes, client.own.message])).rows

const SELECT_INDEX_USES = `
  WITH used AS (
    SELECT x.oid, x.relname, n.indrelid, n.indisreplident, t.identity AS "table"
    FROM pg_catalog.pg_class AS x
    JOIN pg_catalog.pg_index AS n ON n.indexrelid = x.oid AND n.indrelid = to_regclass($2)
    CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, n.indrelid, 0) AS t
    WHERE x.relname = ANY ($1)
  )
  SELECT used.relname AS "index", ${objectName('f', 'i')} AS "object",
    'ALTER TABLE ' || v.identity || ' DROP CONSTRAINT ' || quote_ident(k.conname::text) AS "wayOut"
  FROM used
  JOIN pg_catalog.pg_constraint AS k ON k.conindid = used.oid
  CROSS JOIN LATERAL (SELECT 'pg_catalog.pg_constraint'::regclass AS classid, k.oid AS objid, 0 AS objsubid) AS f
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(f.classid, f.objid, 0) AS i
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, k.conrelid, 0) AS v
  UNION ALL
  SELECT used.relname, 'the replica identity of "ChatMessage"', 'ALTER TABLE ' || used."table" || ' REPLICA IDENTITY DEFAULT'
  FROM used
  WHERE used.indisreplident
  ORDER BY 1, 2`
