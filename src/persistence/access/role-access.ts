import type { Queryable } from '../../database/connection.js'
import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { CHANGED_MESSAGES, CLIENT_ALIASES, MERGED_CLIENTS, MESSAGE_KEYS, ownSchema } from '../own-names.js'

export type Command = 'SELECT' | 'INSERT' | 'UPDATE'

/** What a role can do with one table. */
export interface TableAccess {
  readonly schema: string
  readonly table: string
  /** Its privileges on the whole table or on each column. */
  readonly granted: readonly Command[]
  /** Commands for which row-level security may hide or reject rows. */
  readonly restricted: readonly Command[]
  /** Names of the policies that apply to the role. */
  readonly policies: readonly string[]
}

/** What a role can do with the chat's tables. */
export interface RoleAccess {
  readonly role: string
  /** Schemas of these tables on which it has no USAGE. */
  readonly deniedSchemas: readonly string[]
  readonly tables: readonly TableAccess[]
  /** Id sequences that it has no privilege to use. */
  readonly deniedSequences: readonly string[]
}

/** chatkeep's own tables that the core needs, in its own schema; that of keys only where messages are partitioned. */
const GUEST_CLIENTS = 'guest_clients'
const OWN_NEEDED: readonly string[] = [GUEST_CLIENTS, CLIENT_ALIASES, MERGED_CLIENTS, CHANGED_MESSAGES, MESSAGE_KEYS]

/** What the core does with each table, as the application's role. "User" is only referenced. */
export const NEEDED: Readonly<Record<string, readonly Command[]>> = {
  ChatMessage: ['SELECT', 'INSERT', 'UPDATE'],
  Client: ['SELECT', 'INSERT'],
  [GUEST_CLIENTS]: ['SELECT', 'INSERT'],
  [CLIENT_ALIASES]: ['SELECT'],
  [MERGED_CLIENTS]: ['SELECT'],
  [CHANGED_MESSAGES]: ['SELECT'],
  [MESSAGE_KEYS]: ['SELECT', 'INSERT'],
}

/** A privilege that the core needs and a role lacks. */
export interface MissingPrivilege {
  /** `schema "x"`, `table "ChatMessage"` or `sequence "x"`. */
  readonly object: string
  /** Such as `SELECT, INSERT`. */
  readonly privileges: string
  /** The statement that gives it. */
  readonly grant: string
}

/** @param schema of the application's tables, which are named without it */
export const missingPrivileges = (
  { role, deniedSchemas, tables, deniedSequences }: RoleAccess,
  schema: string,
): readonly MissingPrivilege[] => {
  const missing = (object: string, privileges: string, on: string): MissingPrivilege => ({
    object,
    privileges,
    grant: `GRANT ${privileges} ON ${on} TO ${escapeIdentifier(role)}`,
  })
  return [
    ...deniedSchemas.map((denied) => {
      const name = escapeIdentifier(denied)
      return missing(`schema ${name}`, 'USAGE', `SCHEMA ${name}`)
    }),
    ...tables.flatMap((access) => {
      const lacking = (NEEDED[access.table] ?? []).filter((command) => !access.granted.includes(command))
      return lacking.length === 0
        ? []
        : [missing(tableName(access, schema), lacking.join(', '), qualified(access.schema, access.table))]
    }),
    ...deniedSequences.map((name) =>
      missing(`sequence ${escapeIdentifier(name)}`, 'USAGE', `SEQUENCE ${qualified(schema, name)}`),
    ),
  ]
}

/** A table of the application stands without its schema, one of chatkeep's own with it. */
export const tableName = (access: Pick<TableAccess, 'schema' | 'table'>, schema: string): string =>
  `table ${access.schema === schema ? escapeIdentifier(access.table) : qualified(access.schema, access.table)}`

// CASE: has_sequence_privilege fails for a relation that is not a sequence, and the planner may evaluate it first.
// A role bypasses row-level security as superuser, with BYPASSRLS, or as (a member of) the owner unless it is forced.
// Otherwise it sees every row only if a permissive policy is true and every restrictive one is true.
const SELECT_ACCESS = `
  WITH role AS (
    SELECT r.oid, r.rolsuper OR r.rolbypassrls AS "bypasses" FROM pg_catalog.pg_roles AS r WHERE r.rolname = $2::text
  ), policy AS (
    SELECT p.polrelid, p.polname, p.polcmd, p.polpermissive,
      coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'true') = 'true' AS "shows",
      coalesce(pg_catalog.pg_get_expr(coalesce(p.polwithcheck, p.polqual), p.polrelid), 'true') = 'true' AS "takes"
    FROM pg_catalog.pg_policy AS p, role
    WHERE EXISTS (
      SELECT FROM unnest(p.polroles) AS named (oid)
      WHERE named.oid = 0 OR pg_catalog.pg_has_role(role.oid, named.oid, 'USAGE'))
  ), chat AS (
    SELECT c.oid, c.relname, n.nspname, role.oid AS "role",
      c.relrowsecurity AND NOT role."bypasses"
        AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(role.oid, c.relowner, 'USAGE')) AS "secured"
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace, role
    WHERE (n.nspname = $1 AND c.relname = ANY ($3::text[]) OR n.nspname = $4 AND c.relname = ANY ($5::text[])) AND c.relkind IN ('r', 'p')
  ), command ("name", "letter") AS (VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'))
  SELECT $2::text AS "role",
    ARRAY(
      SELECT s.nspname::text FROM pg_catalog.pg_namespace AS s
      WHERE s.nspname IN ($1, $4) AND NOT pg_catalog.has_schema_privilege(role.oid, s.oid, 'USAGE')
      ORDER BY s.nspname = $4
    ) AS "deniedSchemas",
    (
      SELECT coalesce(json_agg(json_build_object('schema', c.nspname, 'table', c.relname,
        'granted', ARRAY(
          SELECT k."name" FROM command AS k
          WHERE pg_catalog.has_table_privilege(c."role", c.oid, k."name") OR (
            SELECT bool_and(pg_catalog.has_column_privilege(c."role", c.oid, a.attnum, k."name"))
            FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)),
        'restricted', ARRAY(
          SELECT k."name" FROM command AS k
          WHERE c."secured" AND NOT coalesce((
            SELECT bool_or(p.polpermissive AND CASE k."letter" WHEN 'a' THEN p."takes" WHEN 'w' THEN p."shows" AND p."takes" ELSE p."shows" END)
              AND NOT bool_or(NOT p.polpermissive AND NOT CASE k."letter" WHEN 'a' THEN p."takes" WHEN 'w' THEN p."shows" AND p."takes" ELSE p."shows" END)
            FROM policy AS p WHERE p.polrelid = c.oid AND p.polcmd IN ('*', k."letter")), false)),
        'policies', ARRAY(SELECT p.polname::text FROM policy AS p WHERE p.polrelid = c.oid ORDER BY 1)) ORDER BY c.relname), '[]')
      FROM chat AS c
    ) AS "tables",
    ARRAY(
      SELECT DISTINCT s.relname::text
      FROM chat AS c
      JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = c.oid
      JOIN pg_catalog.pg_depend AS p ON p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid
        AND p.refclassid = 'pg_catalog.pg_class'::regclass
      JOIN pg_catalog.pg_class AS s ON s.oid = p.refobjid
      WHERE CASE s.relkind WHEN 'S' THEN NOT pg_catalog.has_sequence_privilege(role.oid, s.oid, 'USAGE, UPDATE') END
      ORDER BY 1
    ) AS "deniedSequences"
  FROM role, pg_catalog.pg_namespace AS n
  WHERE n.nspname = $1`

const SELECT_ROLE = `SELECT FROM pg_catalog.pg_roles WHERE rolname = $1`

/** @throws OperatorError when there is no such role */
export const readRoleAccess = async (
  client: Queryable,
  schema: string,
  role: string,
): Promise<RoleAccess | undefined> => {
  const { rows } = await client.query<RoleAccess>(SELECT_ACCESS, [
    schema,
    role,
    Object.keys(NEEDED).filter((table) => !OWN_NEEDED.includes(table)),
    ownSchema(schema),
    OWN_NEEDED,
  ])
  if (rows[0] !== undefined) return rows[0]
  const { rowCount } = await client.query(SELECT_ROLE, [role])
  // The role exists, the schema does not; another check reports it.
  if (rowCount === 1) return undefined
  throw new OperatorError('unknown_role', `there is no role ${JSON.stringify(role)} on this server`, {
    exitCode: ExitCode.usage,
    hint: 'name the role that the application connects as: --application-role NAME (psql: \\du lists them)',
  })
}
