import type { OwnClient } from '../own/own-client.js'

/** A function whose text has the quoted name of a column: the server does not record what such a text uses. */
export interface Mention {
  /** With its kind: `function public.note()`. */
  readonly function: string
  readonly columns: readonly string[]
  /** The triggers that run it, directly or through functions that name it. */
  readonly triggers: readonly MentionTrigger[]
}

export interface MentionTrigger {
  readonly name: string
  readonly table: string
  /** The trigger's own function. */
  readonly runs: string
  /** The statement that drops the trigger. */
  readonly wayOut: string
}

/**
 * Reads the functions whose text mentions one of the columns, without chatkeep's own. A trigger of another table counts if the
 * text names the table of messages, too.
 */
export const readMentions = async (client: OwnClient, columns: readonly string[]): Promise<readonly Mention[]> =>
  (await client.query<Mention>(SELECT_MENTIONS, [columns, client.own.message, client.own.schema])).rows

const SELECT_MENTIONS = String.raw`
  WITH RECURSIVE written AS MATERIALIZED (
    SELECT p.oid, p.prosrc, '\m' || regexp_replace(p.proname, '(\W)', '\\\1', 'g') || '\M' AS pattern
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    WHERE n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', $3::text]) AND l.lanname <> ALL ('{internal,c}')
  ), mention AS MATERIALIZED (
    SELECT w.oid, array_agg(c.name ORDER BY c.name) AS columns, bool_or(strpos(w.prosrc, 'ChatMessage') > 0) AS "namesTable"
    FROM written AS w
    CROSS JOIN unnest($1::text[]) AS c (name)
    WHERE strpos(w.prosrc, format('"%s"', c.name)) > 0
    GROUP BY w.oid
  ), reaching AS (
    SELECT m.oid AS mention, m.oid FROM mention AS m
    UNION
    SELECT r.mention, caller.oid
    FROM reaching AS r
    JOIN written AS called ON called.oid = r.oid
    JOIN written AS caller ON caller.prosrc ~* called.pattern
  )
  SELECT i.type || ' ' || i.identity AS "function", m.columns AS "columns",
    coalesce((
      SELECT json_agg(json_build_object('name', quote_ident(t.tgname::text), 'table', quote_ident(c.relname::text),
        'runs', f.identity, 'wayOut', 'DROP TRIGGER ' || r.identity) ORDER BY c.relname, t.tgname)
      FROM reaching AS x
      JOIN pg_catalog.pg_trigger AS t ON t.tgfoid = x.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
      JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
      CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_trigger'::regclass, t.oid, 0) AS r
      CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, t.tgfoid, 0) AS f
      WHERE x.mention = m.oid AND (m."namesTable" OR t.tgrelid = to_regclass($2))
    ), '[]') AS "triggers"
  FROM mention AS m
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, m.oid, 0) AS i
  ORDER BY 1`
