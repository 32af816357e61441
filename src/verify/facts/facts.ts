import { readCatalog, type Catalog } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'
import type { ReadPart } from '../../database/waiting/read-in-parts.js'
import type { MigrationFile } from '../../migrations/ledger/migration-files.js'
import {
  compareHistory,
  historyRows,
  readHistory,
  type History,
  type MigrationStatus,
} from '../../migrations/ledger/history.js'
import { readOwnState, type OwnState } from '../../migrations/own/own-state.js'
import { CHAT_TABLES, findColumn } from '../../persistence/shape.js'
import type { Expectation } from '../expectation.js'
import { readMigrationChanges, type MigrationChange } from '../../migrations/ledger/migration-changes.js'
import { readGuestColumns, type ReportedColumn } from './guest-columns.js'
import { readIntegrity, type Integrity } from './integrity.js'
import { readRoleAccess, type RoleAccess } from '../../persistence/access/role-access.js'
import { readGuestBarriers, type GuestBarrier } from '../../migrations/in-use/guest-barriers.js'
import { readUnidentified, type UnidentifiedTable } from '../../migrations/in-use/replica-identity.js'
import { readServerFacts, type ServerFacts } from './server-facts.js'

/** What the checks decide on, read in one snapshot. */
export interface Facts {
  readonly expectation: Expectation
  readonly database: string
  readonly schema: string
  readonly catalog: Catalog
  /** Chatkeep's own schema. */
  readonly own: OwnState
  readonly history: History
  /** The migration files compared with the history; without a history of chatkeep, every file is pending. */
  readonly migrations: readonly MigrationStatus[]
  readonly files: readonly MigrationFile[]
  /** How changed files differ from what was applied, by migration number; only for migrations whose SQL was kept. */
  readonly changes: ReadonlyMap<number, MigrationChange>
  readonly guestColumns: readonly ReportedColumn[]
  readonly server: ServerFacts
  readonly integrity: Integrity
  /** Published tables whose updates and deletes the server rejects. */
  readonly unidentified: readonly UnidentifiedTable[]
  /** Constraints of the application that reject messages without a client. */
  readonly guestBarriers: readonly GuestBarrier[]
  /** Privileges of the role named by `--application-role`. */
  readonly applicationRole: RoleAccess | undefined
}

export interface FactsWanted {
  readonly expectation: Expectation
  readonly database: string
  readonly schema: string
  readonly files: readonly MigrationFile[]
  /** The role whose privileges are read. */
  readonly applicationRole?: string | undefined
}

/** Reads the facts, which include no rows of the application's tables. @param part reads what may be locked */
export const readFacts = async (client: Queryable, wanted: FactsWanted, part: ReadPart): Promise<Facts> => {
  const { schema, files, applicationRole: role } = wanted
  const server = await readServerFacts(client, schema)
  const guestColumns = await readGuestColumns(client, schema)
  const catalog = await readCatalog(client, schema, CHAT_TABLES, part)
  const integrity = await part(() => readIntegrity(client, schema))
  const guestBarriers = await part(() => readGuestBarriers(client, schema))
  const unidentified = await readUnidentified(client, schema)
  const access = await part(async () => ({
    of: role === undefined ? undefined : await readRoleAccess(client, schema, role),
  }))
  const own = await readOwnState(client, schema)
  const ledger = await part(async () => {
    const history = await readHistory(client, own)
    const migrations = compareHistory(files, historyRows(history))
    return { history, migrations, changes: await readMigrationChanges(client, { own, migrations, files }) }
  })
  return {
    ...wanted,
    ...{ files, catalog, own, guestColumns, server, integrity, unidentified, guestBarriers },
    // Read when it is used, because it may be locked.
    get history() {
      return ledger.history
    },
    get migrations() {
      return ledger.migrations
    },
    get changes() {
      return ledger.changes
    },
    get applicationRole() {
      return access.of
    },
  }
}

/** Whether the table exists. If not, its columns and indexes need no findings of their own. */
export const hasTable = ({ catalog }: Pick<Facts, 'catalog'>, table: string): boolean => catalog.tables.includes(table)

/** Whether any table of the chat exists. */
export const hasChatTables = (facts: Pick<Facts, 'catalog'>): boolean =>
  CHAT_TABLES.some((table) => hasTable(facts, table))

/** Whether a query can use these columns. */
export const hasColumns = ({ catalog }: Pick<Facts, 'catalog'>, table: string, columns: readonly string[]): boolean =>
  columns.every((column) => findColumn(catalog, table, column) !== undefined)

/** The state of a migration, by its name without number. */
export const migrationState = ({ migrations }: Facts, name: string): MigrationStatus['state'] | undefined =>
  migrations.find((migration) => migration.name === name)?.state
