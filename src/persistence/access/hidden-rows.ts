import type { Queryable } from '../../database/connection.js'
import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { SqlState } from '../../database/sql-state.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { or, sql } from '../../next-step.js'
import { ownSchema } from '../own-names.js'
import { readRoleAccess } from './role-access.js'

/** A table of which a role may not see every row. */
interface HidingTable {
  readonly schema: string
  readonly table: string
  /** Whether the role owns it, and is subject to its policies all the same. */
  readonly isForced: boolean
}

// Whatever the policies say, and whatever row_security says.
const SELECT_HIDING = `
  SELECT n.nspname AS "schema", c.relname AS "table",
    c.relforcerowsecurity AND pg_catalog.pg_has_role(c.relowner, 'USAGE') AS "isForced", current_user::text AS "role"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE (n.nspname = $1 AND c.relname = ANY ($2::text[]) OR n.nspname = $3) AND c.relkind IN ('r', 'p')
    AND pg_catalog.row_security_active(c.oid) AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
  ORDER BY n.nspname <> $1, c.relname`

/**
 * For what counts, archives or links rows: a role that is subject to a policy may see some of them only, and does not learn it.
 * With `row_security = off`, which is pinned, the server refuses as well, but not before the first change.
 * @throws OperatorError `insufficient_privilege` (exit 3), whatever the policies of the tables allow
 */
export const refuseHiddenRows = async (client: Queryable, schema: string): Promise<void> => {
  const { rows } = await client.query<HidingTable & { role: string }>(SELECT_HIDING, [
    schema,
    ['Client', 'ChatMessage'],
    ownSchema(schema),
  ])
  const [first] = rows
  if (first !== undefined) throw rowsHidden(first.role, rows, schema)
}

/**
 * For what reads as the application does: policies that show the role every row are no hindrance.
 * @throws OperatorError `insufficient_privilege` (exit 3) if the policies may hide a row from this role
 */
export const refuseHidingPolicies = async (client: Queryable, schema: string): Promise<void> => {
  const { rows } = await client.query<{ role: string }>('SELECT current_user::text AS "role"')
  const role = rows[0]?.role ?? ''
  const access = await readRoleAccess(client, schema, role)
  const hiding = access?.tables.filter(({ restricted }) => restricted.includes('SELECT')) ?? []
  if (hiding.length > 0)
    throw rowsHidden(
      role,
      hiding.map(({ schema, table }) => ({ schema, table, isForced: false })),
      schema,
    )
}

const rowsHidden = (role: string, tables: readonly HidingTable[], schema: string): OperatorError => {
  const names = tables.map((one) =>
    one.schema === schema ? escapeIdentifier(one.table) : qualified(one.schema, one.table),
  )
  const forced = tables.filter(({ isForced }) => isForced)
  return new OperatorError(
    'insufficient_privilege',
    `row-level security may hide rows of ${names.join(', ')} from the role ${role}; nothing was counted or changed`,
    {
      exitCode: ExitCode.unreachable,
      sqlState: SqlState.insufficientPrivilege,
      hint: [
        sql(`ALTER ROLE ${escapeIdentifier(role)} BYPASSRLS`, 'as a superuser'),
        ...(forced.length === tables.length
          ? [
              or(
                sql(
                  forced.map((one) => `ALTER TABLE ${qualified(one.schema, one.table)} NO FORCE ROW LEVEL SECURITY`),
                  'as the owner',
                ),
              ),
            ]
          : []),
        or('connect as a role that sees every row: --database-url'),
      ],
    },
  )
}
