import type { Queryable } from '../../database/connection.js'
import { readCatalog, type Catalog } from '../../database/catalog.js'
import { readDenied } from '../../database/read-denied.js'
import { CHAT_TABLES } from '../../persistence/shape.js'
import { refuseOwnConflicts } from '../own/own-conflicts.js'
import { canRead, findOwnTable, readOwnState, type OwnState } from '../own/own-state.js'
import { isPartitioned, readPartitions, type Partitions } from '../partitions/partitions.js'
import { readMigrationFiles, type MigrationFile } from './migration-files.js'
import { compareHistory, historyRows, readHistory, type History } from './history.js'
import { readMigrationChanges, type MigrationChange } from './migration-changes.js'
import { checkPrivileges } from './privileges.js'

/** Everything that a plan is made from. */
export interface MigrationState {
  readonly files: readonly MigrationFile[]
  readonly history: History
  readonly catalog: Catalog
  readonly own: OwnState
  /** The partitions of "ChatMessage"; undefined where it is not partitioned. */
  readonly partitions: Partitions | undefined
  /** How changed files differ from what was applied, by migration number. */
  readonly changes: ReadonlyMap<number, MigrationChange>
}

/**
 * Reads the migration files, the history, the catalog and chatkeep's own schema. Works in a read-only session.
 * @throws OperatorError `own_objects_conflict` when chatkeep's own schema has objects of others, and `insufficient_privilege` when
 *   this role cannot read the history
 */
export const readMigrationState = async (
  client: Queryable,
  schema: string,
  folder: string,
): Promise<MigrationState> => {
  const files = await readMigrationFiles(folder)
  const own = await readOwnState(client, schema)
  refuseOwnConflicts(own)
  await refuseHiddenHistory(client, schema, own)
  const history = await readHistory(client, own)
  const migrations = compareHistory(files, historyRows(history))
  const catalog = await readCatalog(client, schema, CHAT_TABLES)
  return {
    files,
    own,
    history,
    catalog,
    partitions: isPartitioned(catalog) ? await readPartitions(client, own.names.message) : undefined,
    changes: await readMigrationChanges(client, { own, migrations, files }),
  }
}

// Typically the application's role: naming the owner of the tables helps more than the missing SELECT privilege.
const refuseHiddenHistory = async (client: Queryable, schema: string, own: OwnState): Promise<void> => {
  if (findOwnTable(own, 'migrations') === undefined || canRead(own, 'migrations')) return
  await checkPrivileges(client, schema, own)
  throw readDenied(
    { user: own.role, tables: [[own.names.schema, 'migrations']] },
    'permission denied for table migrations',
  )
}
