import type { OwnClient } from '../own/own-client.js'

/** A foreign key that sets "clientId" to NULL when its client is deleted, or gets another id. */
export interface NullingKey {
  readonly name: string
  readonly when: 'deleted' | 'updated'
}

/** Reads them: once the column is NOT NULL, such a DELETE or UPDATE fails. */
export const readNullingKeys = async (client: OwnClient): Promise<readonly NullingKey[]> =>
  (await client.query<NullingKey>(SELECT_NULLING_KEYS, [client.own.message])).rows

// SET DEFAULT sets NULL, too, where there is no default.
const SELECT_NULLING_KEYS = `
  SELECT k.conname::text AS "name", e.happens AS "when"
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = 'clientId'
  CROSS JOIN LATERAL (VALUES ('deleted', k.confdeltype), ('updated', k.confupdtype)) AS e (happens, action)
  WHERE k.conrelid = to_regclass($1) AND k.contype = 'f' AND NOT a.attnotnull
    AND (e.action = 'n' OR e.action = 'd' AND NOT a.atthasdef)
  ORDER BY 1, 2`
