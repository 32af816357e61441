import { on } from '../support/chat.js'
import { runChatkeep } from '../support/chatkeep.js'
import { expect, type TestDatabase } from '../support/database.js'
import type { OrmFolder } from './folder.js'

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

// The engine in WebAssembly, so nothing is downloaded; idle connections would keep the process for another ten seconds.
const CONFIG = `
import { defineConfig } from 'prisma/config'
import { PrismaPg } from '@prisma/adapter-pg'
export default defineConfig({
  experimental: { adapter: true },
  engine: 'js',
  schema: './schema.prisma',
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL, allowExitOnIdle: true }),
})
`

/** Writes `schema.prisma` as Prisma reads it from the database. */
export const pull = async (folder: OrmFolder, database: TestDatabase): Promise<void> => {
  await folder.write('prisma.config.ts', CONFIG)
  await folder.write('schema.prisma', SCHEMA)
  await folder.run(database.url, 'prisma', 'db', 'pull')
}

export const push = (folder: OrmFolder, database: TestDatabase): Promise<string> =>
  folder.run(database.url, 'prisma', 'db', 'push', '--accept-data-loss', '--skip-generate')

export const withoutErrors = async (database: TestDatabase): Promise<void> => {
  const { exitCode, stdout } = await on(database, 'verify')
  expect(exitCode, stdout).toBe(0)
}

interface Advice {
  readonly code: string
  readonly help: string
}

/** What `verify --application-schema` finds in the models. */
export const compare = async (folder: OrmFolder, database: TestDatabase): Promise<readonly Advice[]> => {
  const argv = ['verify', '--json', '--application-schema', 'schema.prisma', '--database-url', database.url]
  const { stdout } = await runChatkeep(argv, { cwd: folder.path })
  const { findings } = JSON.parse(stdout) as { findings: readonly (Advice & { check: string })[] }
  return findings.filter(({ check }) => check === 'application-schema')
}

/** Takes over every line that `verify --application-schema` advises, and runs its SQL. @returns the codes of the findings */
export const takeAdvice = async (folder: OrmFolder, database: TestDatabase): Promise<readonly string[]> => {
  const findings = await compare(folder, database)
  const lines = (await folder.read('schema.prisma')).split('\n')
  const advice = findings.map(({ help }) => help.replace('; then npx prisma generate', ''))
  const changed = advice.reduce(edit, lines)
  const added = advice.flatMap((help) => [...help.matchAll(/(?:^|; then )add to model (\w+): (.*?)(?=; then |$)/g)])
  for (const [, model, line = ''] of added) {
    changed.splice(changed.indexOf('}', changed.indexOf(`model ${model} {`)), 0, line)
  }
  await folder.write('schema.prisma', changed.join('\n'))
  for (const help of advice) if (help.startsWith('in psql: ')) await database.load(help.replace('in psql: ', ''))
  return findings.map(({ code }) => code)
}

/** A removed line stays as a blank one, so that the numbers of the others stay right. */
const edit = (lines: readonly string[], help: string): string[] => {
  const [, line, text = ''] = /^(?:change|remove) schema\.prisma:(\d+)(?: to: (.*))?/.exec(help) ?? []
  return line === undefined ? [...lines] : lines.with(Number(line) - 1, text)
}

/** Indexes and constraints with their identity, which changes when they are built again. */
export const objects = (database: TestDatabase): Promise<readonly unknown[]> =>
  database.query(
    `SELECT indexrelid::integer AS "id", pg_get_indexdef(indexrelid) AS "definition" FROM pg_index AS i
       JOIN pg_class AS c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace
     UNION ALL SELECT oid::integer, conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
       WHERE connamespace = 'public'::regnamespace
     ORDER BY 1, 2`,
  )
