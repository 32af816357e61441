import { migrated, on } from './chat.js'
import { expect, type TestDatabase } from './database.js'

/** Migrates a fixture and rolls it back. */
export const rolledBack = async (database: TestDatabase): Promise<void> => {
  await migrated(database, 'hand-migrated')
  const { exitCode, stderr } = await on(database, 'rollback', '--confirm', database.name)
  expect(exitCode, stderr).toBe(0)
}
