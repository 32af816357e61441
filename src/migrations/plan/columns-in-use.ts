import type { OwnClient } from '../own/own-client.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { GUARD } from '../archive/archive.js'
import { EFFECTS } from '../ledger/effects.js'
import type { RollbackScript } from '../ledger/migration-files.js'
import { splitFile } from './draft-steps.js'
import { namesOf } from '../locks/table-effect.js'
import type { Obstacle } from './obstacle.js'

/**
 * Refuses a rollback whose drops would fail, or would take something of the application with them. Checked before the first
 * change.
 * @throws OperatorError `column_in_use` (exit 5)
 */
export const refuseColumnsInUse = async (client: OwnClient, scripts: readonly RollbackScript[]): Promise<void> => {
  const inUse = (await readColumnsInUse(client, scripts)).filter(({ effect }) => effect === 'refused')
  if (inUse.length === 0) return
  throw new OperatorError('column_in_use', 'columns that the rollback drops are in use; nothing was changed', {
    exitCode: ExitCode.refused,
    details: inUse.map(({ text }) => text),
    hint: 'drop or change the objects named above, then run chatkeep rollback again',
  })
}

/** An object in the server's words, without the application's schema. */
const described = (object: string, table: string): string => `
    replace(pg_catalog.pg_describe_object(${object}), (
      SELECT quote_ident(n.nspname::text) || '.'
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.oid = to_regclass(${table})), '')`

/** The statement that removes a dependent object; `d` is its row of pg_depend. */
const WAY_OUT = `
    CASE d.classid
      WHEN 'pg_catalog.pg_rewrite'::regclass THEN (
        SELECT CASE WHEN c.relkind IN ('v', 'm')
          THEN 'DROP ' || CASE c.relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END || 'VIEW ' || v.identity
          ELSE 'DROP RULE ' || i.identity END
        FROM pg_catalog.pg_rewrite AS r
        JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
        CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0) AS v
        WHERE r.oid = d.objid)
      WHEN 'pg_catalog.pg_constraint'::regclass THEN (
        SELECT 'ALTER TABLE ' || v.identity || ' DROP CONSTRAINT ' || quote_ident(k.conname::text)
        FROM pg_catalog.pg_constraint AS k
        CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, k.conrelid, 0) AS v
        WHERE k.oid = d.objid)
      WHEN 'pg_catalog.pg_attrdef'::regclass THEN (
        SELECT 'ALTER TABLE ' || v.identity || ' DROP COLUMN ' || quote_ident(g.attname::text)
        FROM pg_catalog.pg_attrdef AS e
        JOIN pg_catalog.pg_attribute AS g ON g.attrelid = e.adrelid AND g.attnum = e.adnum
        CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, e.adrelid, 0) AS v
        WHERE e.oid = d.objid)
      WHEN 'pg_catalog.pg_publication_rel'::regclass THEN (
        SELECT 'ALTER PUBLICATION ' || quote_ident(p.pubname::text) || ' DROP TABLE ' || v.identity
        FROM pg_catalog.pg_publication_rel AS r
        JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid
        CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, r.prrelid, 0) AS v
        WHERE r.oid = d.objid)
      WHEN 'pg_catalog.pg_class'::regclass THEN (
        -- Before PostgreSQL 15, a generated column hangs on its source itself.
        SELECT CASE WHEN d.objsubid = 0 THEN 'DROP ' || upper(i.type) || ' ' || i.identity
          ELSE 'ALTER TABLE ' || v.identity || ' DROP COLUMN ' || quote_ident(g.attname::text) END
        FROM pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, d.objid, 0) AS v
        LEFT JOIN pg_catalog.pg_attribute AS g ON g.attrelid = d.objid AND g.attnum = d.objsubid)
      ELSE 'DROP ' || CASE i.type WHEN 'statistics object' THEN 'STATISTICS' ELSE upper(i.type) END || ' ' || i.identity
    END`

// Whatever hangs on a dropped column, by the server's own records; without the column's own default and NOT NULL, the guard,
// and chatkeep's indexes.
const SELECT_COLUMNS_IN_USE = `
  SELECT array_agg(DISTINCT a.attname::text) AS "columns",
    regexp_replace(${described('d.classid, d.objid, d.objsubid', '$4')},
      '^(rule "?_RETURN"? on |default value for (?=column))', '') AS "object",
    bool_and(d.deptype = 'n') AS "prevents", ${WAY_OUT} AS "wayOut"
  FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) AS i
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
  GROUP BY d.classid, d.objid, d.objsubid, i.type, i.identity
  ORDER BY 2`

// A foreign key to the unique index, a constraint made of it, and a replica identity that it is.
const SELECT_INDEXES_IN_USE = `
  SELECT x.relname AS "index", ${described("'pg_catalog.pg_constraint'::regclass, k.oid, 0", '$2')} AS "object",
    'ALTER TABLE ' || v.identity || ' DROP CONSTRAINT ' || quote_ident(k.conname::text) AS "wayOut"
  FROM pg_catalog.pg_class AS x
  JOIN pg_catalog.pg_index AS n ON n.indexrelid = x.oid AND n.indrelid = to_regclass($2)
  JOIN pg_catalog.pg_constraint AS k ON k.conindid = x.oid
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, k.conrelid, 0) AS v
  WHERE x.relname = ANY ($1)
  UNION ALL
  SELECT x.relname, 'the replica identity of "ChatMessage"',
    'ALTER TABLE ' || v.identity || ' REPLICA IDENTITY DEFAULT'
  FROM pg_catalog.pg_class AS x
  JOIN pg_catalog.pg_index AS n ON n.indexrelid = x.oid AND n.indrelid = to_regclass($2)
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, n.indrelid, 0) AS v
  WHERE x.relname = ANY ($1) AND n.indisreplident
  ORDER BY 1, 2`

const SELECT_COLUMN_GRANTS = `
  SELECT a.attname AS "column",
    string_agg(DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee)::text END, ', ') AS "roles"
  FROM pg_catalog.pg_attribute AS a, pg_catalog.aclexplode(a.attacl) AS x
  WHERE a.attrelid = to_regclass($2) AND a.attname = ANY ($1)
  GROUP BY a.attname
  ORDER BY 1`

const SELECT_NULLING_KEY = `
  SELECT k.conname AS "name"
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
  WHERE k.conrelid = to_regclass($1) AND k.contype = 'f' AND k.confdeltype = 'n' AND a.attname = 'clientId'
    AND NOT a.attnotnull`

// Not only those of this rollback: a cut migrate may have built one that it did not record.
const OUR_INDEXES = EFFECTS.flatMap(({ effect }) => (effect.kind === 'index' ? [effect.index.name] : []))

interface Use {
  readonly object: string
  readonly wayOut: string
}

/**
 * Reads what uses a column or an index that the rollback drops: what would make the drop fail, and what would silently go with
 * it.
 */
export const readColumnsInUse = async (
  client: OwnClient,
  scripts: readonly RollbackScript[],
): Promise<readonly Obstacle[]> => {
  const columns = (await Promise.all(scripts.map(droppedColumns))).flat()
  const indexes = (await Promise.all(scripts.map(droppedIndexes))).flat()
  const inUse = await client.query<Use & { readonly columns: readonly string[]; readonly prevents: boolean }>(
    SELECT_COLUMNS_IN_USE,
    [columns, OUR_INDEXES, GUARD, client.own.message],
  )
  const indexUses = await client.query<Use & { readonly index: string }>(SELECT_INDEXES_IN_USE, [
    indexes,
    client.own.message,
  ])
  const grants = await client.query<{ column: string; roles: string }>(SELECT_COLUMN_GRANTS, [
    columns,
    client.own.message,
  ])
  const nulling = columns.includes('guestUsername')
    ? await client.query<{ name: string }>(SELECT_NULLING_KEY, [client.own.message])
    : { rows: [] }
  const listed = new Set(inUse.rows.map(({ object }) => object))
  return [
    ...inUse.rows.map(({ columns: used, object, prevents, wayOut }) =>
      refused(
        `${object} uses ${used.map((column) => `"ChatMessage"."${column}"`).join(' and ')}${prevents ? '' : ', and would be dropped with it'}`,
        wayOut,
      ),
    ),
    ...indexUses.rows
      .filter(({ object }) => !listed.has(object))
      .map(({ index, object, wayOut }) => refused(`${object} uses the index "${index}"`, wayOut)),
    ...grants.rows.map(({ column, roles }) =>
      note(
        `privileges on "ChatMessage"."${column}" go with the column (granted to ${roles}); migrate does not grant them again`,
      ),
    ),
    ...nulling.rows.map(({ name }) =>
      note(
        `"${name}" sets "clientId" to NULL when a client is deleted: once the column is NOT NULL again, such a DELETE fails`,
      ),
    ),
  ]
}

const refused = (text: string, wayOut: string): Obstacle => ({
  code: 'column_in_use',
  effect: 'refused',
  text: `${text}; first: ${wayOut}`,
})

const note = (text: string): Obstacle => ({ code: 'column_in_use', effect: 'note', text })

/** The columns that a rollback file drops. */
export const droppedColumns = async ({ file, sql }: RollbackScript): Promise<readonly string[]> => {
  const statements = await splitFile(`migrations/rollback/${file.fileName}`, sql)
  return statements
    .flatMap(({ node }) => ('AlterTableStmt' in node ? (node.AlterTableStmt.cmds ?? []) : []))
    .flatMap((node) =>
      'AlterTableCmd' in node && node.AlterTableCmd.subtype === 'AT_DropColumn' ? (node.AlterTableCmd.name ?? []) : [],
    )
}

/** The indexes that a rollback file drops. */
export const droppedIndexes = async ({ file, sql }: RollbackScript): Promise<readonly string[]> => {
  const statements = await splitFile(`migrations/rollback/${file.fileName}`, sql)
  return statements
    .flatMap(({ node }) =>
      'DropStmt' in node && node.DropStmt.removeType === 'OBJECT_INDEX' ? (node.DropStmt.objects ?? []) : [],
    )
    .flatMap((object) => namesOf(object).at(-1) ?? [])
}
