import type { Queryable } from '../../database/connection.js'
import { readCatalog, type Catalog } from '../../database/catalog.js'
import { qualified } from '../../database/identifier.js'
import { readDenied } from '../../database/read-denied.js'
import { onlyRow } from '../../database/rows.js'
import { readMigrationFiles, type MigrationFile } from './migration-files.js'
import { readHistory, type History } from './history.js'
import { KNOWN_TABLES } from './own-objects.js'
import { checkPrivileges } from './privileges.js'

/** Everything that a plan is made from. */
export interface MigrationState {
  readonly files: readonly MigrationFile[]
  readonly history: History
  readonly catalog: Catalog
}

/**
 * Reads the migration files, the history and the catalog. Works in a read-only session.
 * @throws OperatorError `insufficient_privilege` when this role cannot read the history
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
    catalog: await readCatalog(client, schema, KNOWN_TABLES),
  }
}

const SELECT_MAY_READ_HISTORY = `SELECT has_table_privilege(to_regclass($1), 'SELECT') AS "mayRead", current_user AS "user"`

// Typically the application's role: naming the owner of the tables helps more than the missing SELECT privilege.
const refuseHiddenHistory = async (client: Queryable, schema: string): Promise<void> => {
  const history = qualified(schema, 'migrations')
  const { mayRead, user } = onlyRow(
    await client.query<{ mayRead: boolean | null; user: string }>(SELECT_MAY_READ_HISTORY, [history]),
  )
  if (mayRead !== false) return
  await checkPrivileges(client, schema)
  throw readDenied({ user, schema, tables: ['migrations'] }, 'permission denied for table migrations')
}
