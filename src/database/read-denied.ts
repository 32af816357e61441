import { ExitCode, OperatorError } from '../errors.js'
import type { Queryable } from './connection.js'
import { escapeIdentifier, qualified } from './identifier.js'
import { hasSqlState, SqlState } from './sql-state.js'
import { or, sql } from '../next-step.js'

/** What a query reads, and the role that runs it. */
export interface ReadGrant {
  readonly user: string
  readonly tables: readonly (readonly [schema: string, table: string])[]
}

const SELECT_EXISTING = `
  SELECT n.nspname AS "schema", c.relname AS "table"
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t ("schema", "table", "order")
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = t."schema"
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t."table"
  ORDER BY t."order"`

/** Leaves out the tables that do not exist, on which nothing can be granted. */
export const existingTables = async (client: Queryable, tables: ReadGrant['tables']): Promise<ReadGrant['tables']> => {
  const { rows } = await client.query<{ schema: string; table: string }>(SELECT_EXISTING, [
    tables.map(([schema]) => schema),
    tables.map(([, table]) => table),
  ])
  return rows.map(({ schema, table }) => [schema, table])
}

/** The role lacks the privilege to read what a query needs. */
export const readDenied = ({ user, tables }: ReadGrant, reason: string, cause?: unknown): OperatorError => {
  const role = escapeIdentifier(user)
  const grants = [
    ...new Set(tables.map(([schema]) => `GRANT USAGE ON SCHEMA ${escapeIdentifier(schema)} TO ${role}`)),
    ...tables.map(([schema, table]) => `GRANT SELECT ON ${qualified(schema, table)} TO ${role}`),
  ]
  return new OperatorError('insufficient_privilege', `the role ${user} may not read what is needed: ${reason}`, {
    exitCode: ExitCode.unreachable,
    hint: ['connect as the owner of the tables', or(sql(grants))],
    ...(hasSqlState(cause, SqlState.insufficientPrivilege) ? { sqlState: cause.code, cause } : {}),
  })
}

/** Turns insufficient_privilege into `readDenied`. Returns every other error unchanged. */
export const explainReadDenied = (error: unknown, grant: ReadGrant): unknown =>
  hasSqlState(error, SqlState.insufficientPrivilege) ? readDenied(grant, error.message, error) : error
