import { COLUMN_SEQUENCES } from '../../persistence/ids/column-sequences.js'

// pg_get_expr without the table, whose columns a default cannot use, needs no lock on it.
// A default is constant if its parse tree has no volatile or stable function and no SQL value function.
const DEFAULTS = `
    SELECT coalesce(json_agg(json_build_object('table', c.relname, 'column', a.attname,
      'expression', pg_catalog.pg_get_expr(d.adbin, 0),
      'constant', d.adbin::text !~ 'SQLVALUEFUNCTION|NEXTVALUEEXPR' AND NOT EXISTS (
        SELECT FROM regexp_matches(d.adbin::text, ':(?:funcid|opfuncid) (\\d+)', 'g') AS f
        JOIN pg_catalog.pg_proc AS p ON p.oid = f[1]::oid
        WHERE p.provolatile <> 'i'))), '[]')
    FROM chat AS c
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attgenerated = ''
    JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum`

const BROKEN_INDEXES = `
    SELECT coalesce(json_agg(json_build_object('table', c.relname, 'name', i.relname,
      'state', CASE WHEN NOT x.indislive THEN 'not-live' WHEN NOT x.indisready THEN 'not-ready' ELSE 'invalid' END,
      'building', x.indislive AND EXISTS (
        SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
        WHERE p.datname = current_database() AND p.relid = c.oid)) ORDER BY i.relname), '[]')
    FROM chat AS c
    JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid
    JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
    WHERE NOT (x.indisvalid AND x.indisready AND x.indislive)`

// Before PostgreSQL 18 there is no "conenforced", and every constraint is enforced.
const CONSTRAINTS = `
    SELECT c.relname AS "table", k.conname AS "name", k.conrelid, k.confrelid,
      CASE k.contype WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check' ELSE 'not null' END AS "kind",
      ARRAY(
        SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) AS "columns",
      ARRAY(
        SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)) AS "target",
      k.convalidated AS "validated",
      coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS "enforced",
      EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        WHERE k.contype = 'f' AND t.tgconstraint = k.oid AND t.tgenabled NOT IN ('O', 'A')) AS "disabled"
    FROM chat AS c
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.contype IN ('f', 'c', 'n')`

const DOUBTFUL_CONSTRAINTS = `
    SELECT coalesce(json_agg(json_build_object('table', k."table", 'name', k."name", 'kind', k."kind", 'columns', k."columns",
      'validated', k."validated", 'enforced', k."enforced", 'disabled', k."disabled") ORDER BY k."table", k."name"), '[]')
    FROM constraints AS k
    WHERE NOT k."validated" OR NOT k."enforced" OR k."disabled"`

const CLIENT_REFERENCED = `
    SELECT FROM constraints AS k
    JOIN chat AS target ON target.oid = k.confrelid
    WHERE k."table" = 'ChatMessage' AND k."columns" = ARRAY['clientId']
      AND target.relname = 'Client' AND k."target" = ARRAY['id']
      AND k."validated" AND k."enforced" AND NOT k."disabled"`

const RULES = `
    SELECT coalesce(json_agg(json_build_object('table', c.relname, 'name', r.rulename,
      'event', CASE r.ev_type WHEN '3' THEN 'INSERT' ELSE 'UPDATE' END, 'instead', r.is_instead)
      ORDER BY c.relname, r.rulename), '[]')
    FROM chat AS c
    JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid
    WHERE r.ev_type IN ('2', '3') AND r.ev_enabled IN ('O', 'A')`

// Bits of tgtype: 1 FOR EACH ROW, 2 BEFORE, 4 INSERT.
const INSERT_TRIGGERS = String.raw`
    SELECT coalesce(json_agg(json_build_object('table', c.relname, 'name', t.tgname, 'function', p.oid::regprocedure::text,
      'language', l.lanname, 'source', p.prosrc) ORDER BY c.relname, t.tgname), '[]')
    FROM chat AS c
    JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = c.oid
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 7 = 7 AND t.tgname NOT LIKE 'chatkeep\_%'`

const action = (column: string): string =>
  `CASE k.${column} WHEN 'r' THEN 'Restrict' WHEN 'c' THEN 'Cascade' WHEN 'n' THEN 'SetNull' WHEN 'd' THEN 'SetDefault' ELSE 'NoAction' END`

const keyColumns = (numbers: string, table: string): string => `ARRAY(
        SELECT a.attname::text
        FROM unnest(k.${numbers}) WITH ORDINALITY AS u ("number", "place")
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.${table} AND a.attnum = u."number"
        ORDER BY u."place")`

const FOREIGN_KEYS = `
    SELECT coalesce(json_agg(json_build_object('table', c.relname, 'name', k.conname,
      'columns', ${keyColumns('conkey', 'conrelid')},
      'referencedTable', CASE WHEN r.relnamespace = c.relnamespace THEN r.relname ELSE r.oid::pg_catalog.regclass::text END, 'referencedColumns', ${keyColumns('confkey', 'confrelid')},
      'onDelete', ${action('confdeltype')}, 'onUpdate', ${action('confupdtype')}) ORDER BY k.conname), '[]')
    FROM chat AS c
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'f'
    JOIN pg_catalog.pg_class AS r ON r.oid = k.confrelid`

const PRIMARY_KEYS = `
    SELECT coalesce(json_agg(k.conname), '[]')
    FROM chat AS c
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'p'`

const SEQUENCES = `
    SELECT coalesce(json_agg(json_build_object('table', c.relname, 'column', a.attname,
      'schema', n.nspname, 'name', s.relname, 'increment', q.seqincrement::text,
      'owned', EXISTS (
        SELECT FROM pg_catalog.pg_depend AS o
        WHERE o.classid = 'pg_catalog.pg_class'::regclass AND o.objid = s.oid AND o.deptype IN ('a', 'i')
          AND o.refclassid = 'pg_catalog.pg_class'::regclass AND o.refobjid = c.oid AND o.refobjsubid = a.attnum),
      'last', CASE WHEN pg_catalog.has_sequence_privilege(s.oid, 'SELECT, USAGE')
        THEN pg_catalog.pg_sequence_last_value(s.oid)::text END,
      'readable', pg_catalog.has_sequence_privilege(s.oid, 'SELECT'),
      'least', fits."least"::text, 'largest', fits."largest"::text,
      'cycles', q.seqcycle AND fits."least" = q.seqmin AND fits."largest" = q.seqmax)
      ORDER BY c.relname), '[]')
    FROM chat AS c
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'id' AND NOT a.attisdropped
    CROSS JOIN LATERAL (${COLUMN_SEQUENCES}
    ) AS used
    JOIN pg_catalog.pg_class AS s ON s.oid = used."oid" AND s.relkind = 'S'
    JOIN pg_catalog.pg_namespace AS n ON n.oid = s.relnamespace
    JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = s.oid
    CROSS JOIN LATERAL (
      SELECT
        greatest(q.seqmin, CASE a.atttypid WHEN 'int2'::regtype THEN -32768 WHEN 'int4'::regtype THEN -2147483648 ELSE q.seqmin END) AS "least",
        least(q.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE q.seqmax END) AS "largest"
    ) AS fits`

/**
 * Returns `Integrity` as one row, for tables ($2) of a schema ($1). One statement saves round trips to a server that may be far
 * away.
 */
export const SELECT_INTEGRITY = `
  WITH chat AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relnamespace
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY ($2::text[])
  ), constraints AS MATERIALIZED (${CONSTRAINTS}
  )
  SELECT (${DEFAULTS}) AS "defaults",
    (${BROKEN_INDEXES}) AS "brokenIndexes",
    (${DOUBTFUL_CONSTRAINTS}) AS "doubtfulConstraints",
    EXISTS (${CLIENT_REFERENCED}) AS "clientReferenced",
    (${FOREIGN_KEYS}) AS "foreignKeys",
    (${PRIMARY_KEYS}) AS "primaryKeys",
    (${RULES}) AS "rules",
    (${INSERT_TRIGGERS}) AS "insertTriggers",
    (${SEQUENCES}) AS "sequences"`
