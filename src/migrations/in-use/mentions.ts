import type { OwnClient } from '../own/own-client.js'

/** A function whose text has the quoted name of a column: the server does not record what such a text uses. */
export interface Mention {
  readonly function: string
  readonly columns: readonly string[]
  /** The triggers of messages that run it, with the statement that drops each. */
  readonly triggers: readonly { readonly name: string; readonly wayOut: string }[]
}

/** Reads the functions whose text mentions one of the columns, without chatkeep's own. */
export const readMentions = async (client: OwnClient, columns: readonly string[]): Promise<readonly Mention[]> =>
  (await client.query<Mention>(SELECT_MENTIONS, [columns, client.own.message, client.own.schema])).rows

const SELECT_MENTIONS = `
  WITH mention AS (
    SELECT p.oid, array_agg(c.name ORDER BY c.name) AS columns
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    CROSS JOIN unnest($1::text[]) AS c (name)
    WHERE n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', $3::text]) AND l.lanname <> ALL ('{internal,c}')
      AND strpos(p.prosrc, format('"%s"', c.name)) > 0
    GROUP BY p.oid
  )
  SELECT i.identity AS "function", m.columns AS "columns",
    coalesce((
      SELECT json_agg(json_build_object('name', quote_ident(t.tgname::text), 'wayOut', 'DROP TRIGGER ' || r.identity) ORDER BY t.tgname)
      FROM pg_catalog.pg_trigger AS t
      CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_trigger'::regclass, t.oid, 0) AS r
      WHERE t.tgfoid = m.oid AND t.tgrelid = to_regclass($2) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
    ), '[]') AS "triggers"
  FROM mention AS m
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, m.oid, 0) AS i
  ORDER BY 1`
