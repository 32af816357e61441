import { readCatalog, type Catalog } from '../database/catalog.js'
import type { Queryable } from '../database/connection.js'
import type { MigrationFile } from '../migrations/files.js'
import { compareHistory, readHistory, type History, type MigrationStatus } from '../migrations/history.js'
import { CHAT_TABLES, findColumn, OWN_TABLES } from '../persistence/shape.js'
import type { Expectation } from './expectation.js'
import { readMigrationChanges, type MigrationChange } from './migration-changes.js'
import { readGuideColumns, type ReportedColumn } from './guide-columns.js'
import { readSurroundings, type Surroundings } from './surroundings.js'

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
}

export interface FactsWanted {
  readonly expectation: Expectation
  readonly database: string
  readonly schema: string
  readonly files: readonly MigrationFile[]
}

/** Reads the facts. Rows of the application's tables are not among them. */
export const readFacts = async (client: Queryable, { files, ...wanted }: FactsWanted): Promise<Facts> => {
  const { schema } = wanted
  const surroundings = await readSurroundings(client, schema)
  const guideColumns = await readGuideColumns(client, schema)
  const catalog = await readCatalog(client, schema, [...CHAT_TABLES, ...OWN_TABLES])
  const history = await readHistory(client, schema)
  const migrations = compareHistory(files, history.state === 'present' ? history.rows : [])
  const changes = await readMigrationChanges(client, { schema, migrations, files, surroundings })
  return { ...wanted, files, catalog, history, migrations, changes, guideColumns, surroundings }
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
