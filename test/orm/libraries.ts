import { join } from 'node:path'
import { build } from 'esbuild'
import type { OrmFolder } from './folder.js'

/** A module that opens a library as an application does, and hands its transactions to the adapter of chatkeep. */
export interface LibrarySource {
  readonly module: string
  /** What the application has to do before its first start. */
  readonly prepare?: (folder: OrmFolder, databaseUrl: string) => Promise<void>
}

const PRISMA_SCHEMA = `
generator client {
  provider = "prisma-client"
  output   = "./generated/prisma"
}
datasource db {
  provider = "postgresql"
}
model Client {
  id        Int      @id @default(autoincrement())
  username  String   @unique
  createdAt DateTime @default(now())
  updatedAt DateTime @updatedAt
}
`

const PRISMA_CONFIG = `
import { defineConfig } from 'prisma/config'
export default defineConfig({ schema: './schema.prisma' })
`

/** Prisma generates TypeScript, which an application compiles with its own. */
const compileClient = (folder: string): Promise<unknown> =>
  build({
    entryPoints: [join(folder, 'client.ts')],
    outfile: join(folder, 'client.js'),
    ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm' },
  })

export const LIBRARIES: Readonly<Record<string, LibrarySource>> = {
  drizzle: {
    module: `
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
export const open = (url, { drizzleTransaction }) => {
  const pool = new pg.Pool({ connectionString: url })
  const db = drizzle({ client: pool })
  const begun = (options) => (work) => db.transaction((tx) => work({
    db: drizzleTransaction(tx, sql),
    run: async (text) => (await tx.execute(sql.raw(text))).rows,
  }), options)
  return {
    transaction: begun(),
    repeatableRead: begun({ isolationLevel: 'repeatable read' }),
    outside: drizzleTransaction(db, sql),
    close: () => pool.end(),
  }
}`,
  },
  knex: {
    module: `
import knex from 'knex'
export const open = (url, { knexTransaction }) => {
  // Applications rename columns with it.
  const postProcessResponse = (answer) => (Array.isArray(answer) ? answer : { only: answer.rows })
  const db = knex({ client: 'pg', connection: url, postProcessResponse })
  const begun = (options) => (work) => db.transaction((trx) => work({
    db: knexTransaction(trx),
    run: async (text) => (await trx.raw(text)).only,
  }), options)
  return {
    transaction: begun(),
    repeatableRead: begun({ isolationLevel: 'repeatable read' }),
    outside: knexTransaction(db),
    close: () => db.destroy(),
  }
}`,
  },
  kysely: {
    module: `
import { CamelCasePlugin, CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
export const open = (url, { kyselyTransaction }) => {
  const dialect = new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) })
  const db = new Kysely({ dialect, plugins: [new CamelCasePlugin()] })
  const begun = (level) => (work) => db.transaction().setIsolationLevel(level).execute((trx) => work({
    db: kyselyTransaction(trx),
    run: async (text) => (await trx.executeQuery(CompiledQuery.raw(text))).rows,
  }))
  return {
    transaction: begun('read committed'),
    repeatableRead: begun('repeatable read'),
    outside: kyselyTransaction(db),
    close: () => db.destroy(),
  }
}`,
  },
  prisma: {
    prepare: async (folder, databaseUrl) => {
      await folder.write('prisma.config.ts', PRISMA_CONFIG)
      await folder.write('schema.prisma', PRISMA_SCHEMA)
      await folder.run(databaseUrl, 'prisma', 'generate')
      await compileClient(join(folder.path, 'generated/prisma'))
    },
    module: `
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './generated/prisma/client.js'
export const open = (url, { prismaTransaction }) => {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })
  const begun = (options) => (work) => prisma.$transaction((tx) => work({
    db: prismaTransaction(tx),
    run: (text) => tx.$queryRawUnsafe(text),
  }), options)
  return {
    transaction: begun(),
    repeatableRead: begun({ isolationLevel: 'RepeatableRead' }),
    outside: prismaTransaction(prisma),
    close: () => prisma.$disconnect(),
  }
}`,
  },
}
