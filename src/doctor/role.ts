import type { Queryable } from '../database/connection.js'
import { onlyRow } from '../database/rows.js'
import { CHAT_TABLES } from '../persistence/shape.js'

/** What the role of the connection is and may do. */
export interface RoleState {
  readonly role: string
  /** The role that logged in, if the connection then set another. */
  readonly login: string
  readonly isSuperuser: boolean
  readonly bypassesRowSecurity: boolean
  /** Whether it may create schemas in the database. */
  readonly mayCreateInDatabase: boolean
  /** Whether it may create objects in the schema; null without the schema. */
  readonly mayCreateInSchema: boolean | null
  readonly mayReadStatistics: boolean
  /** Roles that it is directly a member of. */
  readonly memberOf: readonly string[]
  /** Tables of the chat that it owns, itself or through a role. */
  readonly owns: readonly string[]
  /** Tables of the chat that others own. */
  readonly others: readonly { readonly table: string; readonly owner: string }[]
  /** When its password ends; null if it does not. */
  readonly passwordEndsAt: Date | null
}

const SELECT_ROLE = `
  WITH chat AS (
    SELECT c.relname::text AS "table", pg_catalog.pg_get_userbyid(c.relowner)::text AS "owner",
      pg_catalog.pg_has_role(c.relowner, 'USAGE') AS "isOwn"
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p')
  )
  SELECT current_user::text AS "role", session_user::text AS "login",
    r.rolsuper AS "isSuperuser", r.rolbypassrls OR r.rolsuper AS "bypassesRowSecurity",
    pg_catalog.has_database_privilege(current_database(), 'CREATE') AS "mayCreateInDatabase",
    (SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace WHERE nspname = $1) AS "mayCreateInSchema",
    pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS "mayReadStatistics",
    ARRAY(
      SELECT pg_catalog.pg_get_userbyid(m.roleid)::text FROM pg_catalog.pg_auth_members AS m WHERE m.member = r.oid ORDER BY 1
    ) AS "memberOf",
    ARRAY(SELECT "table" FROM chat WHERE "isOwn" ORDER BY 1) AS "owns",
    (
      SELECT coalesce(json_agg(json_build_object('table', "table", 'owner', "owner") ORDER BY "table"), '[]')
      FROM chat WHERE NOT "isOwn"
    ) AS "others",
    (SELECT nullif(l.rolvaliduntil, 'infinity') FROM pg_catalog.pg_roles AS l WHERE l.rolname = session_user) AS "passwordEndsAt"
  FROM pg_catalog.pg_roles AS r
  WHERE r.rolname = current_user`

export const readRoleState = async (client: Queryable, schema: string): Promise<RoleState> =>
  onlyRow(await client.query<RoleState>(SELECT_ROLE, [schema, CHAT_TABLES]))
