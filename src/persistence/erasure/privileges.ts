import type { Queryable } from '../../database/connection.js'
import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { SqlState } from '../../database/sql-state.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { sql } from '../../next-step.js'
import { MESSAGE_KEYS, ownSchema } from '../own-names.js'
import type { ErasureTables } from './tables.js'

/** What work needs of a table. */
export interface TableNeed {
  readonly schema: string
  readonly table: string
  readonly privileges: readonly ('SELECT' | 'INSERT' | 'UPDATE' | 'DELETE')[]
  /** The table is open to its owner alone: nothing of it is granted. */
  readonly ofOwner?: true
}

interface Missing {
  readonly role: string
  readonly schema: string
  /** Null: USAGE on the schema. */
  readonly table: string | null
  readonly privileges: string
  /** Who owns a table that is open to its owner alone. */
  readonly owner: string | null
}

// A table that is not there needs nothing.
const SELECT_MISSING = `
  WITH need AS (
    SELECT n.oid AS "schemaId", n.nspname, c.oid, c.relname, x."privileges", x."place",
      CASE WHEN x."ofOwner" THEN pg_catalog.pg_get_userbyid(c.relowner)::text END AS "owner"
    FROM jsonb_to_recordset($1::jsonb) AS x ("schema" text, "table" text, "privileges" text[], "place" integer, "ofOwner" boolean)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = x."schema"
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = x."table"
  )
  SELECT current_user::text AS "role", m."schema", m."table", m."privileges", m."owner"
  FROM (
    SELECT DISTINCT -1 AS "place", need.nspname::text AS "schema", NULL AS "table", 'USAGE' AS "privileges", NULL AS "owner"
    FROM need WHERE NOT pg_catalog.has_schema_privilege(need."schemaId", 'USAGE')
    UNION ALL
    SELECT need."place", need.nspname, need.relname, string_agg(p."name", ', ' ORDER BY p."number"), need."owner"
    FROM need CROSS JOIN LATERAL unnest(need."privileges") WITH ORDINALITY AS p ("name", "number")
    WHERE NOT pg_catalog.has_table_privilege(need.oid, p."name")
    GROUP BY need."place", need.nspname, need.relname, need."owner"
  ) AS m
  ORDER BY m."place", m."schema"`

/**
 * @param what it cannot do, after `cannot`
 * @throws OperatorError `privilege_missing` (exit 3) with the statements that grant what is missing
 */
export const checkPrivileges = async (client: Queryable, needs: readonly TableNeed[], what: string): Promise<void> => {
  const asked = needs.map((need, place) => ({ ...need, place }))
  const { rows } = await client.query<Missing>(SELECT_MISSING, [JSON.stringify(asked)])
  const [first] = rows
  if (first === undefined) return
  const objectOf = ({ schema, table }: Missing): string =>
    table === null ? `SCHEMA ${escapeIdentifier(schema)}` : qualified(schema, table)
  const grantOf = (one: Missing): string =>
    `GRANT ${one.privileges} ON ${objectOf(one)} TO ${escapeIdentifier(first.role)}`
  const owner = rows.find((one) => one.owner !== null)?.owner ?? undefined
  throw new OperatorError('privilege_missing', `the role ${first.role} cannot ${what}; it lacks:`, {
    exitCode: ExitCode.unreachable,
    sqlState: SqlState.insufficientPrivilege,
    details: rows.map((one) => `${one.privileges} on ${objectOf(one)}`),
    hint:
      owner === undefined
        ? sql(rows.map(grantOf), 'as the owner')
        : `connect as their owner, ${owner}: the archive of a rollback is open to no other role`,
  })
}

/** What deleting messages needs. The rows of a batch are locked first, which takes UPDATE. */
export const messageNeeds = ({ schema, keyGuard }: ErasureTables): readonly TableNeed[] => [
  { schema, table: 'ChatMessage', privileges: ['SELECT', 'UPDATE', 'DELETE'] },
  ...(keyGuard === 'table'
    ? [{ schema: ownSchema(schema), table: MESSAGE_KEYS, privileges: ['SELECT', 'DELETE'] } as const]
    : []),
]
