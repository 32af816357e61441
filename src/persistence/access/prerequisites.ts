import { readColumns } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { chatkeep, sql } from '../../next-step.js'
import { SchemaNotReady } from '../errors.js'
import { readKeyGuard } from '../keys/key-guard.js'
import { keyIndexTrouble, readKeyIndexes } from '../keys/key-index.js'
import { MESSAGE_KEYS, ownSchema } from '../own-names.js'
import { namesIn } from '../sql-names.js'
import { BASE_COLUMNS, CLIENT_ID, columnName, findColumn, GUEST_UNVERIFIED, unfilledColumns } from '../shape.js'
import { missingPrivileges, NEEDED, readRoleAccess, type RoleAccess } from './role-access.js'

const SELECT_USER = `SELECT current_user::text AS "user"`

/**
 * Checks that the schema has what the core writes, and grants it to this role. Takes no lock on a table, except for a moment
 * where row-level security has policies.
 * @throws SchemaNotReady, or OperatorError `privilege_missing`
 * @returns whether policies of row-level security may hide or reject rows
 */
export const checkPrerequisites = async (
  client: Queryable,
  schema: string,
): Promise<{ readonly isRestricted: boolean }> => {
  await checkColumns(client, schema)
  const trouble = await readKeyTrouble(client, schema)
  if (trouble !== undefined) throw new SchemaNotReady(trouble, undefined)
  const { user } = onlyRow(await client.query<{ user: string }>(SELECT_USER))
  const access = await readRoleAccess(client, schema, user)
  if (access !== undefined) checkAccess(access, schema)
  return { isRestricted: isRestricted(access) }
}

/** Why nothing keeps a key from being taken twice; undefined when something does. */
const readKeyTrouble = async (client: Queryable, schema: string): Promise<string | undefined> => {
  const names = namesIn(schema)
  if ((await readKeyGuard(client, names)) === 'index') return keyIndexTrouble(await readKeyIndexes(client, schema))
  const { present } = onlyRow(
    await client.query<{ present: boolean }>(SELECT_KEY_TABLE, [ownSchema(schema), MESSAGE_KEYS]),
  )
  return present ? undefined : `there is no table ${names.messageKeys}`
}

// By the catalog: a role without USAGE on the schema is told which privilege it lacks.
const SELECT_KEY_TABLE = `
  SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2) AS "present"`

/** The columns that the core writes and a look at the history does not touch. */
const checkColumns = async (client: Queryable, schema: string): Promise<void> => {
  const tables = Object.keys(NEEDED)
  const columns = await readColumns(client, schema, tables)
  const wanted = [...BASE_COLUMNS, CLIENT_ID, GUEST_UNVERIFIED].filter(({ table }) => tables.includes(table))
  const missing = wanted.filter(({ table, column }) => findColumn({ columns }, table, column) === undefined)
  const required = columns.find(({ table, column }) => table === 'ChatMessage' && column === 'clientId')
  const troubles = [
    ...missing.map((column) => `there is no column ${columnName(column)}`),
    ...(required?.nullable === false ? [`${columnName(required)} is NOT NULL`] : []),
    ...unfilledColumns({ columns })
      .filter(({ table }) => table === 'ChatMessage')
      .map((column) => `${columnName(column)} is NOT NULL without default`),
  ]
  if (troubles.length > 0) throw new SchemaNotReady(troubles.join(', '), undefined, chatkeep('verify'))
}

const isRestricted = (access: RoleAccess | undefined): boolean =>
  access?.tables.some(({ table, restricted }) => NEEDED[table]?.some((command) => restricted.includes(command))) ===
  true

const checkAccess = (access: RoleAccess, schema: string): void => {
  const absent = Object.keys(NEEDED).find(
    (name) => name !== MESSAGE_KEYS && !access.tables.some(({ table }) => table === name),
  )
  if (absent !== undefined) throw new SchemaNotReady(`there is no table "${absent}"`, undefined)
  const missing = missingPrivileges(access, schema)
  if (missing.length === 0) return
  throw new OperatorError('privilege_missing', `the role ${access.role} cannot store messages; it lacks:`, {
    details: missing.map(({ object, privileges }) => `${privileges} on ${object}`),
    exitCode: ExitCode.unreachable,
    hint: sql(missing.map(({ grant }) => grant)),
  })
}
