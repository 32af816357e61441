import { on } from '../support/chat.js'
import { runChatkeep } from '../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../support/database.js'
import { loadFixture } from '../support/fixtures.js'
import { applicationWrites, clientKey, guestWrites, ownTables } from './guests.js'
import { withPackages, type OrmFolder } from './packages.js'

const PACKAGES = ['prisma@6.19.3', '@prisma/client@6.19.3', '@prisma/adapter-pg@6.19.3']

const SCHEMA = `
generator client {
  provider   = "prisma-client"
  output     = "./client"
  engineType = "client"
}

datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}
`

// The engine in WebAssembly, so nothing is downloaded.
const CONFIG = `
import { defineConfig } from 'prisma/config'
import { PrismaPg } from '@prisma/adapter-pg'
export default defineConfig({
  experimental: { adapter: true },
  engine: 'js',
  schema: './schema.prisma',
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL }),
})
`

/** That version of the adapter does not know the types name and "char", and splits statements at every semicolon. */
const PATCHES: readonly (readonly [RegExp, string])[] = [
  [
    /switch \(fieldTypeId\) \{/,
    `switch (fieldTypeId) {
    case 18:
      return TYPES.Character;
    case 19:
      return TYPES.Text;`,
  ],
  [/script\.split\(";"\)\.map\([^;]+\.filter\([^;]+\);/, '[script];'],
]

const withPrisma = (database: TestDatabase, work: (folder: OrmFolder) => Promise<void>): Promise<void> =>
  withPackages(PACKAGES, async (folder) => {
    for (const name of ['index.mjs', 'index.js']) {
      const path = `node_modules/@prisma/adapter-pg/dist/${name}`
      const text = await folder.read(path)
      const types = /return ([\w.]*ColumnTypeEnum)\.Int32/.exec(text)?.[1] ?? ''
      const patched = PATCHES.reduce((result, [from, to]) => result.replace(from, to.replaceAll('TYPES', types)), text)
      await folder.write(path, patched)
    }
    await folder.write('prisma.config.ts', CONFIG)
    await folder.write('schema.prisma', SCHEMA)
    await folder.run(database.url, 'prisma', 'db', 'pull')
    await work(folder)
  })

const push = (folder: OrmFolder, database: TestDatabase): Promise<string> =>
  folder.run(database.url, 'prisma', 'db', 'push', '--accept-data-loss', '--skip-generate')

const withoutErrors = async (database: TestDatabase): Promise<void> => {
  const { exitCode, stdout } = await on(database, 'verify')
  expect(exitCode, stdout).toBe(0)
}

/** Takes over every line that `verify --application-schema` advises. */
const takeAdvice = async (folder: OrmFolder, database: TestDatabase): Promise<readonly string[]> => {
  const argv = ['verify', '--json', '--application-schema', 'schema.prisma', '--database-url', database.url]
  const { stdout } = await runChatkeep(argv, { cwd: folder.path })
  const { findings } = JSON.parse(stdout) as { findings: readonly { check: string; code: string; help: string }[] }
  const advised = findings.filter(({ check }) => check === 'application-schema')
  const lines = (await folder.read('schema.prisma')).split('\n')
  for (const { help } of advised) {
    const [, line, changed] = /^change schema\.prisma:(\d+) to: (.*?)(?:; then npx prisma generate)?$/.exec(help) ?? []
    if (line !== undefined && changed !== undefined) lines[Number(line) - 1] = changed
  }
  const added = advised.flatMap(({ help }) => {
    const [, model, line] = /^add to model (\w+): (.*?)(?:; then npx prisma generate)?$/.exec(help) ?? []
    return model === undefined || line === undefined ? [] : [{ model, line }]
  })
  for (const { model, line } of added) {
    const start = lines.indexOf(`model ${model} {`)
    lines.splice(lines.indexOf('}', start), 0, line)
  }
  await folder.write('schema.prisma', lines.join('\n'))
  return advised.map(({ code }) => code)
}

describe('Prisma beside chatkeep', () => {
  test('is in sync after the advice of verify was taken over, and keeps the foreign key', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const key = await clientKey(database)
    await withPrisma(database, async (folder) => {
      expect((await on(database, 'migrate')).exitCode).toBe(0)
      expect(await takeAdvice(folder, database)).toContain('model_index_missing')
      expect(await push(folder, database)).toContain('already in sync')
      expect(await takeAdvice(folder, database)).toEqual([])
      expect(await clientKey(database)).toBe(key)
      await withoutErrors(database)
      await guestWrites(database)
    })
  })

  test('pushed with the model of before takes columns and indexes, but stops no message; migrate repairs it', async ({
    database,
  }) => {
    await loadFixture(database, 'crm-before')
    await withPrisma(database, async (folder) => {
      expect((await on(database, 'migrate')).exitCode).toBe(0)
      const own = await ownTables(database)
      expect(await push(folder, database)).toContain('now in sync')
      expect(await ownTables(database)).toEqual(own)
      await applicationWrites(database)
      expect((await on(database, 'verify')).stdout).toContain('error column_missing')
      expect((await on(database, 'migrate')).exitCode).toBe(0)
      await withoutErrors(database)
      await guestWrites(database)
    })
  })
})
