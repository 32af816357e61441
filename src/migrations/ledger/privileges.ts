import type { Queryable } from '../../database/connection.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { sql } from '../../next-step.js'
import { escapeIdentifier } from '../../database/identifier.js'
import { quotedSchema } from '../../persistence/own-names.js'
import { CHAT_TABLES } from '../../persistence/shape.js'
import type { OwnState } from '../own/own-state.js'

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
 * @throws OperatorError `insufficient_privilege`
 */
export const checkPrivileges = async (client: Queryable, schema: string, own: OwnState): Promise<void> => {
  const missing = await missingPrivileges(client, schema, own)
  if (missing.length === 0) return
  const grants = missing.flatMap(({ grant }) => grant ?? [])
  const isOwners = missing.some(({ grant }) => grant === undefined)
  throw new OperatorError('insufficient_privilege', 'this role cannot change the tables; nothing was changed', {
    exitCode: ExitCode.unreachable,
    details: missing.map(({ text }) => text),
    hint: [
      ...(isOwners ? ['connect as the owner or as a member of the owning role'] : []),
      ...(grants.length === 0 ? [] : [sql(grants, 'as a role that may')]),
    ],
  })
}

/** A privilege that the role lacks to change the tables. */
export interface LackingPrivilege {
  readonly text: string
  /** What gives it; undefined where only the owner can do the work. */
  readonly grant?: string
}

/** The privileges that this role lacks to change the tables. */
export const missingPrivileges = async (
  client: Queryable,
  schema: string,
  own: OwnState,
): Promise<readonly LackingPrivilege[]> => {
  const { rows: others } = await client.query<{ table: string; owner: string }>(SELECT_OTHERS_TABLES, [
    schema,
    CHAT_TABLES,
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
  ]
}

const missingSchema = ({ found, mayCreateSchema, names, owner }: OwnState): readonly LackingPrivilege[] =>
  found !== undefined || mayCreateSchema
    ? []
    : [
        {
          text: `chatkeep keeps its own tables in schema ${quotedSchema(names)}, which this role may not create`,
          grant: `CREATE SCHEMA ${quotedSchema(names)} AUTHORIZATION ${escapeIdentifier(owner)}`,
        },
      ]
