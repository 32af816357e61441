import type { Queryable } from '../../database/connection.js'
import { ExitCode, OperatorError } from '../../errors.js'
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
  const details = await missingPrivileges(client, schema, own)
  if (details.length === 0) return
  throw new OperatorError('insufficient_privilege', 'this role cannot change the tables; nothing was changed', {
    exitCode: ExitCode.unreachable,
    details,
    hint: details.some((detail) => detail.includes(' is owned by '))
      ? 'connect as the owner or as a member of the owning role'
      : 'have the statements named above run by a role that may',
  })
}

/** The privileges that this role lacks to change the tables, each as a sentence. */
export const missingPrivileges = async (
  client: Queryable,
  schema: string,
  own: OwnState,
): Promise<readonly string[]> => {
  const { rows: others } = await client.query<{ table: string; owner: string }>(SELECT_OTHERS_TABLES, [
    schema,
    CHAT_TABLES,
  ])
  const { rows } = await client.query<{ mayCreate: boolean }>(SELECT_MAY_CREATE, [schema])
  return [
    ...others.map(({ table, owner }) => `"${table}" is owned by ${owner}`),
    ...(rows[0]?.mayCreate === false
      ? [
          `this role has no CREATE privilege on schema ${JSON.stringify(schema)}${others.length > 0 ? '' : `: GRANT CREATE ON SCHEMA ${escapeIdentifier(schema)} TO ${escapeIdentifier(own.owner)}`}`,
        ]
      : []),
    ...missingSchema(own),
  ]
}

const missingSchema = ({ found, mayCreateSchema, names, owner }: OwnState): readonly string[] =>
  found !== undefined || mayCreateSchema
    ? []
    : [
        `chatkeep keeps its own tables in schema ${quotedSchema(names)}, which this role may not create; a role with CREATE on this database can: CREATE SCHEMA ${quotedSchema(names)} AUTHORIZATION ${escapeIdentifier(owner)}`,
      ]
