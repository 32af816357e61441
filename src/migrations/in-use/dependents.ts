import type { OwnClient } from '../own/own-client.js'
import { GUARD } from '../archive/archive.js'
import { objectName, wayOut } from './way-out.js'

/** Something that uses a column that will be dropped, or uses something that does. */
export interface Dependent {
  readonly object: string
  /** The columns that it uses; none when it uses another dependent. */
  readonly columns: readonly string[]
  /** The dependent that it uses. */
  readonly uses: string | null
  /** `prevents`: the drop fails. `goes`: it is dropped silently, too. */
  readonly effect: 'prevents' | 'goes'
  /** The statement that removes it. */
  readonly wayOut: string
}

/**
 * Reads, from the server's own records, what hangs on columns of messages, and what hangs on that in turn: the last comes first,
 * so that the ways out work in this order. Without each column's own default and NOT NULL, the guard, and chatkeep's indexes.
 */
export const readDependents = async (
  client: OwnClient,
  columns: readonly string[],
  ownIndexes: readonly string[],
): Promise<readonly Dependent[]> =>
  (await client.query<Dependent>(SELECT_DEPENDENTS, [columns, ownIndexes, GUARD, client.own.message])).rows

const key = (row: string): string => `(${row}.classid, ${row}.objid, ${row}.objsubid)::text`

// Dropping a view drops its row type as well. A view's rule depends on its own view: the path ends such circles.
const SELECT_DEPENDENTS = `
  WITH RECURSIVE dependent AS (
    SELECT d.classid, d.objid, d.objsubid, d.deptype = 'n' AS prevents, a.attname::text AS "column",
      NULL::oid AS "usedClass", NULL::oid AS "usedId", NULL::integer AS "usedSubId", 1 AS depth, ARRAY[${key('d')}] AS path
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = to_regclass($4)
      AND a.attname = ANY ($1)
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND c.oid = d.objid AND c.relname = ANY ($2))
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_attrdef AS e
        WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND e.oid = d.objid AND e.adnum = d.refobjsubid)
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint AS k
        WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid AND (k.contype = 'n' OR k.conname = $3))
    UNION ALL
    SELECT d.classid, d.objid, d.objsubid, true, NULL, u.classid, u.objid, u.objsubid, u.depth + 1, u.path || ${key('d')}
    FROM dependent AS u
    CROSS JOIN LATERAL (
      SELECT u.classid, u.objid, u.objsubid
      UNION ALL
      SELECT 'pg_catalog.pg_class'::regclass, e.adrelid, e.adnum
      FROM pg_catalog.pg_attrdef AS e
      JOIN pg_catalog.pg_attribute AS g ON g.attrelid = e.adrelid AND g.attnum = e.adnum AND g.attgenerated <> ''
      WHERE u.classid = 'pg_catalog.pg_attrdef'::regclass AND e.oid = u.objid
      UNION ALL
      SELECT t.classid, t.objid, 0
      FROM pg_catalog.pg_rewrite AS r
      JOIN pg_catalog.pg_class AS v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
      JOIN pg_catalog.pg_type AS y ON y.oid = v.reltype
      CROSS JOIN LATERAL (VALUES ('pg_catalog.pg_class'::regclass, v.oid), ('pg_catalog.pg_type'::regclass, y.oid),
        ('pg_catalog.pg_type'::regclass, y.typarray)) AS t (classid, objid)
      WHERE u.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = u.objid
    ) AS t
    JOIN pg_catalog.pg_depend AS d ON d.refclassid = t.classid AND d.refobjid = t.objid AND d.deptype = 'n'
      AND (t.objsubid = 0 OR d.refobjsubid = t.objsubid)
    WHERE ${key('d')} <> ALL (u.path)
      -- The columns of a view are named by its rule.
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND c.oid = d.objid AND d.objsubid > 0 AND c.relkind IN ('v', 'm'))
  )
  SELECT ${objectName('f', 'i')} AS "object", f."columns", f."effect",
    CASE WHEN f."usedId" IS NOT NULL THEN ${objectName('used', 'o')} END AS "uses",
    ${wayOut('f', 'i', '$1')} AS "wayOut"
  FROM (
    SELECT classid, objid, objsubid, max(depth) AS depth,
      array_remove(array_agg(DISTINCT "column"), NULL) AS "columns",
      CASE WHEN bool_and(prevents) THEN 'prevents' ELSE 'goes' END AS "effect",
      (array_agg("usedClass" ORDER BY depth DESC))[1] AS "usedClass", (array_agg("usedId" ORDER BY depth DESC))[1] AS "usedId",
      (array_agg("usedSubId" ORDER BY depth DESC))[1] AS "usedSubId"
    FROM dependent
    GROUP BY 1, 2, 3
  ) AS f
  CROSS JOIN LATERAL (SELECT f."usedClass" AS classid, f."usedId" AS objid, f."usedSubId" AS objsubid) AS used
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(f.classid, f.objid, f.objsubid) AS i
  LEFT JOIN LATERAL pg_catalog.pg_identify_object(used.classid, used.objid, used.objsubid) AS o ON used.objid IS NOT NULL
  ORDER BY f.depth DESC, 1, 5`
