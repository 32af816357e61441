import type { TestDatabase } from './database.js'

const SELECT_CATALOG = `
  SELECT 'column' AS kind, format('%s.%s', c.relname, a.attname) AS name,
    concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
      pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)) AS definition
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
  UNION ALL
  SELECT 'table', relname, concat_ws(' ', obj_description(oid, 'pg_class'), relacl::text)
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
  UNION ALL
  SELECT 'index', c.relname, concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready)
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
  WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL
  SELECT 'constraint', conname, concat_ws(' ', pg_get_constraintdef(oid), convalidated)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
  UNION ALL
  SELECT 'trigger', tgname, concat_ws(' ', pg_get_triggerdef(oid), tgenabled)
  FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL
  SELECT 'function', proname, concat_ws(' ', md5(prosrc), prosecdef, proconfig, proacl::text)
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL
  SELECT 'own ' || CASE c.relkind WHEN 'r' THEN 'table' ELSE 'relation' END, c.relname,
    concat_ws(' ', c.relacl::text, (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull), ', ' ORDER BY a.attnum)
      FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'chatkeep'
  UNION ALL
  SELECT 'own function', proname, md5(prosrc) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = 'chatkeep'
  ORDER BY 1, 2, 3`

/** Everything in the application's schema and in chatkeep's as text: columns, indexes, constraints, triggers, functions, grants. */
export const catalogOf = (database: TestDatabase): Promise<readonly Record<string, unknown>[]> =>
  database.query(SELECT_CATALOG)

/** The history of migrations, without its times. */
export const historyOf = (database: TestDatabase): Promise<readonly Record<string, unknown>[]> =>
  database.query('SELECT "id", "name", "hash" FROM "chatkeep"."migrations" ORDER BY "id"')

/** Counts and checksums of the application's rows, and of rows that cannot be derived from them. */
export const dataOf = async (database: TestDatabase, ofMessages = 'true'): Promise<readonly unknown[]> => [
  await checksumOf(database, '"User"'),
  await checksumOf(database, '"Client"'),
  await checksumOf(database, `"ChatMessage" WHERE ${ofMessages}`),
  await database.query('SELECT "clientId" FROM "chatkeep"."guest_clients" ORDER BY "clientId"'),
]

const checksumOf = (database: TestDatabase, rows: string): Promise<readonly Record<string, unknown>[]> =>
  database.query(
    `SELECT count(*)::integer AS "rows", md5(string_agg(md5(to_jsonb(t)::text), '' ORDER BY t."id")) AS "md5"
     FROM (SELECT * FROM ${rows}) AS t`,
  )
