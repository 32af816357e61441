import { createChatStore, type ChatStore, type ChatStoreOptions } from '../../src/index.js'
import { afterAll, createDatabase, expect, type TestDatabase } from './database.js'
import { runChatkeep, type Run } from './chatkeep.js'
import { loadFixture, type FixtureName } from './fixtures.js'

/** Runs one command line on the test's database. */
export const on = (database: TestDatabase, ...argv: readonly string[]): Promise<Run> =>
  runChatkeep([...argv, '--database-url', database.url])

/** Loads a fixture and brings it to the newest migration; for an untouched database that is copied from one where it was done. */
export const migrated = async (database: TestDatabase, fixture?: FixtureName): Promise<void> => {
  if (!(await database.becomeCopyOf(await templateOf(fixture)))) await migrateHere(database, fixture)
}

const migrateHere = async (database: TestDatabase, fixture: FixtureName | undefined): Promise<void> => {
  if (fixture !== undefined) await loadFixture(database, fixture)
  const { exitCode, stderr } = await on(database, 'migrate')
  expect(exitCode, stderr).toBe(0)
}

const templates = new Map<FixtureName | undefined, Promise<string>>()
const drops: (() => Promise<void>)[] = []

const templateOf = (fixture: FixtureName | undefined): Promise<string> => {
  const known = templates.get(fixture)
  if (known !== undefined) return known
  const made = makeTemplate(fixture)
  templates.set(fixture, made)
  return made
}

const makeTemplate = async (fixture: FixtureName | undefined): Promise<string> => {
  const { database, close, drop } = await createDatabase()
  drops.push(drop)
  await migrateHere(database, fixture)
  await close()
  return database.name
}

afterAll(async () => {
  for (const drop of drops.splice(0)) await drop()
  templates.clear()
})

/** Hands the work a store on the database and closes it whatever happens. */
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

/** Count and checksum of all rows of a table, whatever their order; columns that come and go can be left out. */
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
