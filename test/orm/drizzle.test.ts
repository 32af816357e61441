import { on } from '../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../support/database.js'
import { loadFixture } from '../support/fixtures.js'
import { applicationWrites, clientKey, guestWrites, ownTables } from './guests.js'
import { withPackages, type OrmFolder } from './packages.js'

const PACKAGES = ['drizzle-kit@0.31.11', 'drizzle-orm@0.45.4', 'pg@8.23.1']

const CONFIG = `
import { defineConfig } from 'drizzle-kit'
export default defineConfig({
  dialect: 'postgresql',
  out: './drizzle',
  schema: './drizzle/schema.ts',
  dbCredentials: { url: process.env.DATABASE_URL },
})
`

const withDrizzle = (database: TestDatabase, work: (folder: OrmFolder) => Promise<void>): Promise<void> =>
  withPackages(PACKAGES, async (folder) => {
    await folder.write('drizzle.config.ts', CONFIG)
    await folder.run(database.url, 'drizzle-kit', 'pull')
    await work(folder)
  })

const push = (folder: OrmFolder, database: TestDatabase): Promise<string> =>
  folder.run(database.url, 'drizzle-kit', 'push', '--force', '--verbose')

describe('drizzle-kit beside chatkeep', () => {
  test('proposes nothing about a migrated database that it pulled', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    const key = await clientKey(database)
    await withDrizzle(database, async (folder) => {
      expect(await folder.read('drizzle/schema.ts')).not.toContain('chatkeep')
      expect(await push(folder, database)).toContain('No changes detected')
      expect(await clientKey(database)).toBe(key)
      await guestWrites(database)
    })
  })

  test('pushed with the schema of before takes columns and indexes, but stops no message; migrate repairs it', async ({
    database,
  }) => {
    await loadFixture(database, 'crm-before')
    await withDrizzle(database, async (folder) => {
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
})
