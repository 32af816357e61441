import type { Client } from 'pg'
import { readMigrationFiles, shippedMigrations } from '../../src/migrations/ledger/migration-files.js'

/**
 * Runs the statements of these migrations, all but those that make indexes: rows are loaded without them first.
 * @returns the statements of the indexes, still to be made
 */
export const createTables = async (client: Client, migrations: readonly string[]): Promise<readonly string[]> => {
  const files = await readMigrationFiles(shippedMigrations())
  const statements = files
    .filter(({ name }) => migrations.includes(name))
    // No statement of these files holds a semicolon at the end of a line.
    .flatMap(({ sql }) => sql.split(/;[ \t]*(?:\n|$)/))
    .filter((statement) => statement.trim() !== '')
  const isIndex = (statement: string): boolean => /^CREATE (?:UNIQUE )?INDEX\b/m.test(statement)
  for (const statement of statements.filter((one) => !isIndex(one))) await client.query(statement)
  return statements.filter(isIndex)
}
