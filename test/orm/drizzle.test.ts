import { on } from '../support/chat.js'
import { describe, expect, type TestDatabase } from '../support/database.js'
import { loadFixture } from '../support/fixtures.js'
import { test, type OrmFolder } from './folder.js'
import { applicationWrites, clientKey, guestWrites, ownTables } from './guests.js'

const CONFIG = `
import { defineConfig } from 'drizzle-kit'
export default defineConfig({
  dialect: 'postgresql',
  out: './drizzle',
  schema: './drizzle/schema.ts',
  dbCredentials: { url: process.env.DATABASE_URL },
})
`

const pull = async (folder: OrmFolder, database: TestDatabase): Promise<void> => {
  await folder.write('drizzle.config.ts', CONFIG)
  await folder.run(database.url, 'drizzle-kit', 'pull')
}

const push = (folder: OrmFolder, database: TestDatabase): Promise<string> =>
  folder.run(database.url, 'drizzle-kit', 'push', '--force', '--verbose')

describe('drizzle-kit beside chatkeep', () => {
  test('proposes nothing about a migrated database that it pulled', async ({ database, folder }) => {
    await loadFixture(database, 'crm-before')
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    const key = await clientKey(database)
    await pull(folder, database)
    expect(await folder.read('drizzle/schema.ts')).not.toContain('chatkeep')
    expect(await push(folder, database)).toContain('No changes detected')
    expect(await clientKey(database)).toBe(key)
    await guestWrites(database)
  })

  test('pushed with the schema of before takes columns and indexes, but stops no message; migrate repairs it', async ({
    database,
    folder,
  }) => {
    await loadFixture(database, 'crm-before')
    await pull(folder, database)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    const own = await ownTables(database)
    const pushed = await push(folder, database)
    expect(pushed).toContain('DROP COLUMN "guestUsername"')
    expect(pushed).not.toMatch(/DROP TABLE|DROP SCHEMA|"chatkeep"/)
    expect(await ownTables(database)).toEqual(own)
    await applicationWrites(database)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    const { exitCode, stdout } = await on(database, 'verify')
    expect(exitCode, stdout).toBe(0)
    await guestWrites(database)
  })
})
