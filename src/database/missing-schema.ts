import { OperatorError } from '../errors.js'
import { or, sql } from '../next-step.js'
import type { Queryable } from './connection.js'
import { escapeIdentifier } from './identifier.js'

/** The code of the error of a missing schema. */
export const NO_SCHEMA = 'schema_does_not_exist'

export const missingSchema = (schema: string): OperatorError =>
  new OperatorError(NO_SCHEMA, `schema ${JSON.stringify(schema)} does not exist in this database`, {
    hint: ['name another schema with --schema', or(sql(`CREATE SCHEMA ${escapeIdentifier(schema)}`, 'create it'))],
  })

/** @throws OperatorError `schema_does_not_exist` (exit 2) */
export const refuseMissingSchema = async (client: Queryable, schema: string): Promise<void> => {
  const { rowCount } = await client.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema])
  if (rowCount === 0) throw missingSchema(schema)
}
