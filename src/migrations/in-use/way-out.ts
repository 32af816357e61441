/** How people name the object `i` (of pg_identify_object, which is not translated); `f` has its classid, objid and objsubid. */
export const objectName = (f: string, i: string): string => `
    CASE ${f}.classid
      WHEN 'pg_catalog.pg_rewrite'::regclass THEN (
        SELECT CASE WHEN v.type IN ('view', 'materialized view') THEN v.type || ' ' || v.identity ELSE 'rule ' || ${i}.identity END
        FROM pg_catalog.pg_rewrite AS r
        CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, r.ev_class, 0) AS v
        WHERE r.oid = ${f}.objid)
      WHEN 'pg_catalog.pg_attrdef'::regclass THEN (
        SELECT CASE WHEN g.attgenerated = '' THEN 'default of column ' ELSE 'generated column ' END || v.identity
        FROM pg_catalog.pg_attrdef AS e
        JOIN pg_catalog.pg_attribute AS g ON g.attrelid = e.adrelid AND g.attnum = e.adnum
        CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, e.adrelid, e.adnum) AS v
        WHERE e.oid = ${f}.objid)
      WHEN 'pg_catalog.pg_publication_rel'::regclass THEN (
        SELECT CASE WHEN to_jsonb(r) ->> 'prqual' IS NULL THEN 'column list' ELSE 'row filter' END
          || ' of publication ' || quote_ident(p.pubname::text)
        FROM pg_catalog.pg_publication_rel AS r
        JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid
        WHERE r.oid = ${f}.objid)
      ELSE regexp_replace(${i}.type, '^table (?=constraint|column)', '') || ' ' || ${i}.identity
    END`

/**
 * The statement that removes the object, so that what it uses can be dropped.
 * @param dropped the parameter with the columns that will be dropped
 */
export const wayOut = (f: string, i: string, dropped: string): string => `
    CASE ${f}.classid
      WHEN 'pg_catalog.pg_rewrite'::regclass THEN (
        SELECT CASE WHEN v.type IN ('view', 'materialized view') THEN 'DROP ' || upper(v.type) || ' ' || v.identity
          ELSE 'DROP RULE ' || ${i}.identity END
        FROM pg_catalog.pg_rewrite AS r
        CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, r.ev_class, 0) AS v
        WHERE r.oid = ${f}.objid)
      WHEN 'pg_catalog.pg_constraint'::regclass THEN (
        SELECT CASE WHEN k.contypid = 0 THEN 'ALTER TABLE ' || t.identity ELSE 'ALTER DOMAIN ' || y.identity END
          || ' DROP CONSTRAINT ' || quote_ident(k.conname::text)
        FROM pg_catalog.pg_constraint AS k
        LEFT JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, k.conrelid, 0) AS t ON k.conrelid <> 0
        LEFT JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_type'::regclass, k.contypid, 0) AS y ON k.contypid <> 0
        WHERE k.oid = ${f}.objid)
      WHEN 'pg_catalog.pg_attrdef'::regclass THEN (
        SELECT 'ALTER TABLE ' || v.identity || CASE WHEN g.attgenerated = ''
          THEN ' ALTER COLUMN ' || quote_ident(g.attname::text) || ' DROP DEFAULT'
          ELSE ' DROP COLUMN ' || quote_ident(g.attname::text) END
        FROM pg_catalog.pg_attrdef AS e
        JOIN pg_catalog.pg_attribute AS g ON g.attrelid = e.adrelid AND g.attnum = e.adnum
        CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, e.adrelid, 0) AS v
        WHERE e.oid = ${f}.objid)
      WHEN 'pg_catalog.pg_publication_rel'::regclass THEN (${PUBLICATION_WAY_OUT(f, dropped)})
      WHEN 'pg_catalog.pg_class'::regclass THEN (
        -- Before PostgreSQL 15, a generated column hangs on its source itself; other columns have the row type of a view.
        SELECT CASE
          WHEN ${f}.objsubid = 0 THEN 'DROP ' || upper(${i}.type) || ' ' || ${i}.identity
          WHEN v.type = 'composite type' THEN 'ALTER TYPE ' || v.identity || ' DROP ATTRIBUTE ' || quote_ident(g.attname::text)
          WHEN g.attgenerated <> '' THEN 'ALTER TABLE ' || v.identity || ' DROP COLUMN ' || quote_ident(g.attname::text)
          ELSE ${asJson('v.identity', 'g.attname::text')} END
        FROM pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, ${f}.objid, 0) AS v
        LEFT JOIN pg_catalog.pg_attribute AS g ON g.attrelid = ${f}.objid AND g.attnum = ${f}.objsubid)
      ELSE 'DROP ' || CASE ${i}.type WHEN 'statistics object' THEN 'STATISTICS' ELSE upper(${i}.type) END || ' ' || ${i}.identity
    END`

/** The statement that stores rows as JSON instead of with a table's row type. */
export const asJson = (table: string, column: string): string =>
  `format('ALTER TABLE %s ALTER COLUMN %I TYPE jsonb USING to_jsonb(%2$I)', ${table}, ${column})`

// A shorter column list in one transaction, so that no message between goes unsent. A row filter decides who may see rows:
// the table is not published without it. to_jsonb: before PostgreSQL 15, neither exists.
const PUBLICATION_WAY_OUT = (f: string, dropped: string): string => `
        SELECT CASE WHEN to_jsonb(r) ->> 'prqual' IS NULL AND l.stay IS NOT NULL
          THEN format('BEGIN; ALTER PUBLICATION %1$I DROP TABLE %2$s; ALTER PUBLICATION %1$I ADD TABLE %2$s (%3$s); COMMIT',
            p.pubname, v.identity, l.stay)
          ELSE format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname, v.identity) END
        FROM pg_catalog.pg_publication_rel AS r
        JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid
        CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, r.prrelid, 0) AS v
        CROSS JOIN LATERAL (
          SELECT string_agg(quote_ident(a.attname::text), ', ' ORDER BY a.attnum) AS stay
          FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = r.prrelid AND a.attname <> ALL (${dropped})
            AND to_jsonb(r) -> 'prattrs' @> to_jsonb(a.attnum)
        ) AS l
        WHERE r.oid = ${f}.objid`
