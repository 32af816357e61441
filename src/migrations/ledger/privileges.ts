import type { Queryable } from '../../database/connection.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { sql } from '../../next-step.js'
import { escapeIdentifier } from '../../database/identifier.js'
import type { OwnState } from '../own/own-state.js'
import { missingForOwnTables, missingSchema, type LackingPrivilege } from './own-privileges.js'

/** The tables of the chat that migrations change: "User" may belong to somebody else. */
const CHANGED_TABLES = ['ChatMessage', 'Client']

const SELECT_OTHERS_TABLES = `
  SELECT c.relname AS "table", pg_get_userbyid(c.relowner) AS "owner"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = ANY ($2) AND NOT pg_has_role(c.relowner, 'USAGE')`

const SELECT_MAY_CREATE = `
  SELECT has_schema_privilege(oid, 'CREATE') AS "mayCreate"
  FROM pg_catalog.pg_namespace
  WHERE nspname = $1`

/**
 * Only the owner can alter a table. Checked before the first statement, so that a run does not stop halfway.
 * @param archive whether a rollback creates its archive and the trigger that fills it
 * @throws OperatorError `insufficient_privilege`
 */
export const checkPrivileges = async (
  client: Queryable,
  schema: string,
  own: OwnState,
  archive = false,
): Promise<void> => {
  const missing = await missingPrivileges(client, schema, own, archive)
  if (missing.length === 0) return
  const grants = missing.flatMap(({ grant }) => grant ?? [])
  const isOwners = missing.some(({ grant }) => grant === undefined)
  throw new OperatorError('insufficient_privilege', 'this role cannot change the tables; nothing was changed', {
    exitCode: ExitCode.unreachable,
    details: missing.map(({ text }) => text),
    hint: [
      ...(isOwners ? ['connect as the owner or as a member of the owning role that inherits its privileges'] : []),
      ...(grants.length === 0 ? [] : [sql(grants, 'as a role that may')]),
    ],
  })
}

/** The privileges that this role lacks to change the tables. */
export const missingPrivileges = async (
  client: Queryable,
  schema: string,
  own: OwnState,
  archive = false,
): Promise<readonly LackingPrivilege[]> => {
  const { rows: others } = await client.query<{ table: string; owner: string }>(SELECT_OTHERS_TABLES, [
    schema,
    CHANGED_TABLES,
  ])
  const { rows } = await client.query<{ mayCreate: boolean }>(SELECT_MAY_CREATE, [schema])
  return [
    ...others.map(({ table, owner }) => ({ text: `"${table}" is owned by ${owner}` })),
    ...(rows[0]?.mayCreate === false
      ? [
          {
            text: `this role has no CREATE privilege on schema ${JSON.stringify(schema)}`,
            ...(others.length > 0
              ? {}
              : { grant: `GRANT CREATE ON SCHEMA ${escapeIdentifier(schema)} TO ${escapeIdentifier(own.owner)}` }),
          },
        ]
      : []),
    ...missingSchema(own),
    ...(others.length === 0 ? await missingForOwnTables(client, own, archive) : []),
  ]
}
