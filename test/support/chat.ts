import { createChatStore, type ChatStore, type ChatStoreOptions } from '../../src/index.js'
import { expect, type TestDatabase } from './database.js'
import { runChatkeep, type Run } from './chatkeep.js'
import { loadFixture, type FixtureName } from './fixtures.js'
import { templateDatabase } from './templates.js'

/** Runs one command line on the test's database. */
export const on = (database: TestDatabase, ...argv: readonly string[]): Promise<Run> =>
  runChatkeep(argv, { env: { DATABASE_URL: database.url } })

/** Loads a fixture and brings it to the newest migration; an untouched database becomes a copy of one where that was done. */
export const migrated = async (database: TestDatabase, fixture?: FixtureName): Promise<void> => {
  const template = await templateDatabase(`migrated_${fixture ?? 'empty'}`, (made) => migrateHere(made, fixture))
  if (!(await database.becomeCopyOf(template))) await migrateHere(database, fixture)
}

/** The same, and the database stays the one that it is: for one that a command is connected to. */
export const migrateHere = async (database: TestDatabase, fixture?: FixtureName): Promise<void> => {
  if (fixture !== undefined) await loadFixture(database, fixture)
  const { exitCode, stderr } = await on(database, 'migrate', ...(fixture === undefined ? ['--create-tables'] : []))
  expect(exitCode, stderr).toBe(0)
}

/** Opens a store on the database for the work, and closes it even when the work fails. */
export const withStore = async <T>(
  database: TestDatabase,
  work: (store: ChatStore) => Promise<T>,
  options: ChatStoreOptions = {},
): Promise<T> => {
  const store = createChatStore({ databaseUrl: database.url }, options)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** Count and checksum of all rows of a table, independent of their order. @param leaveOut columns that a migration adds or drops */
export const checksum = async (
  database: TestDatabase,
  table: string,
  leaveOut: readonly string[] = [],
): Promise<unknown> => {
  const [row] = await database.query(
    `SELECT count(*)::integer AS "rows", md5(string_agg(md5((to_jsonb(t) - $1::text[])::text), '' ORDER BY t."id")) AS "md5"
     FROM "${table}" AS t`,
    [leaveOut],
  )
  return row
}
