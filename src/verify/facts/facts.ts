import { readCatalog, type Catalog } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'
import type { MigrationFile } from '../../migrations/ledger/migration-files.js'
import {
  compareHistory,
  historyRows,
  readHistory,
  type History,
  type MigrationStatus,
} from '../../migrations/ledger/history.js'
import { CHAT_TABLES, findColumn, OWN_TABLES } from '../../persistence/shape.js'
import type { Expectation } from '../expectation.js'
import { readMigrationChanges, type MigrationChange } from './migration-changes.js'
import { readGuideColumns, type ReportedColumn } from './guide-columns.js'
import { readIntegrity, type Integrity } from './integrity.js'
import { readRoleAccess, type RoleAccess } from '../../persistence/role-access.js'
import { readSurroundings, type Surroundings } from './server-facts.js'

/** All that the checks decide on, read in one snapshot. */
export interface Facts {
  readonly expectation: Expectation
  readonly database: string
  readonly schema: string
  readonly catalog: Catalog
  readonly history: History
  /** Files and history side by side; without a history of ours every file is pending. */
  readonly migrations: readonly MigrationStatus[]
  readonly files: readonly MigrationFile[]
  /** How changed files differ from what was applied, by their numbers, as far as that was kept. */
  readonly changes: ReadonlyMap<number, MigrationChange>
  readonly guideColumns: readonly ReportedColumn[]
  readonly surroundings: Surroundings
  readonly integrity: Integrity
  /** Rights of the role that `--application-role` names. */
  readonly applicationRole: RoleAccess | undefined
}

export interface FactsWanted {
  readonly expectation: Expectation
  readonly database: string
  readonly schema: string
  readonly files: readonly MigrationFile[]
  /** Whose rights are wanted, too. */
  readonly applicationRole?: string | undefined
}

/** Reads the facts. Rows of the application's tables are not among them. */
export const readFacts = async (client: Queryable, wanted: FactsWanted): Promise<Facts> => {
  const { schema, files, applicationRole: role } = wanted
  const surroundings = await readSurroundings(client, schema)
  const guideColumns = await readGuideColumns(client, schema)
  const catalog = await readCatalog(client, schema, [...CHAT_TABLES, ...OWN_TABLES])
  const integrity = await readIntegrity(client, schema)
  const applicationRole = role === undefined ? undefined : await readRoleAccess(client, schema, role)
  const history = await readHistory(client, schema)
  const migrations = compareHistory(files, historyRows(history, files))
  const changes = await readMigrationChanges(client, { schema, migrations, files, surroundings })
  return {
    ...wanted,
    files,
    catalog,
    history,
    migrations,
    changes,
    guideColumns,
    surroundings,
    integrity,
    applicationRole,
  }
}

/** Whether the table is there. Without it, its columns and indexes are not worth a finding each. */
export const hasTable = ({ catalog }: Pick<Facts, 'catalog'>, table: string): boolean => catalog.tables.includes(table)

/** Whether any of the chat's tables is there. */
export const hasChatTables = (facts: Pick<Facts, 'catalog'>): boolean =>
  CHAT_TABLES.some((table) => hasTable(facts, table))

/** Whether a question about these columns can be asked. */
export const hasColumns = ({ catalog }: Pick<Facts, 'catalog'>, table: string, columns: readonly string[]): boolean =>
  columns.every((column) => findColumn(catalog, table, column) !== undefined)

/** How a migration stands in the history, by its name without number. */
export const migrationState = ({ migrations }: Facts, name: string): MigrationStatus['state'] | undefined =>
  migrations.find((migration) => migration.name === name)?.state
