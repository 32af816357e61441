import { explainDatabaseError } from '../database/connection-error.js'
import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { refuseEncoding } from '../database/encoding/refuse-encoding.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { sharedSessionError } from '../database/proxies/refuse-shared-session.js'
import type { SharedSession } from '../database/proxies/shared-session.js'
import { existingTables, readDenied, type ReadGrant } from '../database/read-denied.js'
import { refuseReadOnly } from '../database/read-only.js'
import { OperatorError } from '../errors.js'
import { chatkeep, or } from '../next-step.js'
import { refuseServer, sessionNeed } from '../migrations/check-session.js'
import type { MigrationCommand } from '../migrations/ledger/runs.js'
import { checkPrivileges } from '../migrations/ledger/privileges.js'
import { readOwnState } from '../migrations/own/own-state.js'
import { refuseHiddenRows } from '../persistence/access/hidden-rows.js'
import { checkPrerequisites } from '../persistence/access/prerequisites.js'
import { ERASURE_NEEDS } from '../persistence/erasure/needs.js'
import { openErasureTables } from '../persistence/erasure/open-tables.js'
import { SchemaNotReady } from '../persistence/errors.js'
import { ownSchema } from '../persistence/own-names.js'
import type { Need, Unmet } from './commands.js'

/** What the needs are read from. */
export interface Situation {
  /** In a transaction. */
  readonly client: Queryable
  readonly target: ConnectionTarget
  readonly schema: string
  readonly shared: SharedSession | undefined
}

/** Finds out which needs are not met, each on its own: one that is locked, or fails, says nothing of the others. */
export const readUnmet = async (needs: readonly Need[], situation: Situation): Promise<Unmet> => {
  const unmet = new Map<Need, OperatorError>()
  for (const need of new Set(needs)) {
    const error = await failureOf(situation, () => NEEDS[need](situation))
    if (error !== undefined) unmet.set(need, error)
  }
  return unmet
}

const failureOf = async (
  { client, target }: Situation,
  check: () => Promise<unknown>,
): Promise<OperatorError | undefined> => {
  await client.query('SAVEPOINT need')
  try {
    await check()
    return undefined
  } catch (error) {
    const explained = explainDatabaseError(error, target)
    if (!(explained instanceof OperatorError)) throw error
    await client.query('ROLLBACK TO SAVEPOINT need')
    return explained
  }
}

/** The checks that the commands make themselves, and their errors. */
const NEEDS: Readonly<Record<Need, (situation: Situation) => Promise<unknown>>> = {
  server: ({ client, schema }) => refuseServer(client, { schema }),
  schema: ({ client, schema }) => refuseMissingSchema(client, schema),
  tables: (situation) => refuseMissingTables(situation),
  writable: ({ client }) => refuseReadOnly(client),
  'own session to migrate': (situation) => refuseShared(situation, 'migrate'),
  'own session to roll back': (situation) => refuseShared(situation, 'rollback'),
  'privileges to migrate': (situation) => refuseMissingPrivileges(situation, false),
  'privileges to roll back': (situation) => refuseMissingPrivileges(situation, true),
  select: (situation) => refuseUnreadable(situation),
  'every row': ({ client, schema }) => refuseHiddenRows(client, schema),
  encoding: ({ client }) => refuseEncoding(client),
  store: ({ client, schema }) => checkPrerequisites(client, schema),
  'privileges to retain': ({ client, schema }) => openErasureTables(client, schema, ERASURE_NEEDS.retain),
  'privileges to erase': ({ client, schema }) => openErasureTables(client, schema, ERASURE_NEEDS.erase),
  'privileges to export': ({ client, schema }) => openErasureTables(client, schema, ERASURE_NEEDS.export),
}

const refuseShared = ({ shared }: Situation, command: MigrationCommand): Promise<void> =>
  shared === undefined ? Promise.resolve() : Promise.reject(sharedSessionError(shared, sessionNeed(command)))

const refuseMissingPrivileges = async ({ client, schema }: Situation, archive: boolean): Promise<void> =>
  checkPrivileges(client, schema, await readOwnState(client, schema), archive)

const refuseMissingTables = async ({ client, schema }: Situation): Promise<void> => {
  const found = await existingTables(client, [[schema, 'ChatMessage']])
  if (found.length === 0)
    throw new SchemaNotReady('there is no table "ChatMessage"', undefined, [
      'check that this is the database of the chat, and its schema',
      or(chatkeep('migrate --create-tables')),
    ])
}

const SELECT_UNREADABLE = `
  SELECT n.nspname AS "schema", c.relname AS "table", current_user::text AS "user"
  FROM unnest($1::text[], $2::text[]) AS t ("schema", "table")
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = t."schema"
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t."table"
  WHERE NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))`

const refuseUnreadable = async ({ client, schema }: Situation): Promise<void> => {
  const read: ReadGrant['tables'] = [
    [schema, 'ChatMessage'],
    [schema, 'Client'],
    [ownSchema(schema), 'migrations'],
  ]
  const { rows } = await client.query<{ schema: string; table: string; user: string }>(SELECT_UNREADABLE, [
    read.map(([name]) => name),
    read.map(([, name]) => name),
  ])
  const [first] = rows
  if (first === undefined) return
  throw readDenied(
    { user: first.user, tables: rows.map(({ schema: name, table }) => [name, table]) },
    `permission denied for table ${first.table}`,
  )
}
