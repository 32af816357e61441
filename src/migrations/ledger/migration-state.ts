import type { Queryable } from '../../database/connection.js'
import { readCatalog, type Catalog } from '../../database/catalog.js'
import { qualified } from '../../database/identifier.js'
import { readDenied } from '../../database/read-denied.js'
import { onlyRow } from '../../database/rows.js'
import { CHAT_TABLES, OWN_TABLES } from '../../persistence/shape.js'
import { readMigrationFiles, type MigrationFile } from './migration-files.js'
import { readHistory, type History } from './history.js'
import { checkPrivileges } from './privileges.js'

/** All that a plan is made from. */
export interface MigrationState {
  readonly files: readonly MigrationFile[]
  readonly history: History
  readonly catalog: Catalog
}

/**
 * Reads what a plan is made from. Works in a read-only session, too.
 * @throws OperatorError `insufficient_privilege` when this role may not even read the history
 */
export const readMigrationState = async (
  client: Queryable,
  schema: string,
  folder: string,
): Promise<MigrationState> => {
  const files = await readMigrationFiles(folder)
  await refuseHiddenHistory(client, schema)
  return {
    files,
    history: await readHistory(client, schema),
    catalog: await readCatalog(client, schema, [...CHAT_TABLES, ...OWN_TABLES]),
  }
}

const SELECT_MAY_READ_HISTORY = `SELECT has_table_privilege(to_regclass($1), 'SELECT') AS "mayRead", current_user AS "user"`

// As an application's role would meet it: who owns the tables says more than that this one cannot be read.
const refuseHiddenHistory = async (client: Queryable, schema: string): Promise<void> => {
  const history = qualified(schema, 'migrations')
  const { mayRead, user } = onlyRow(
    await client.query<{ mayRead: boolean | null; user: string }>(SELECT_MAY_READ_HISTORY, [history]),
  )
  if (mayRead !== false) return
  await checkPrivileges(client, schema)
  throw readDenied({ user, schema, tables: ['migrations'] }, 'permission denied for table migrations')
}
