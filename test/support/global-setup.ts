import { randomInt } from 'node:crypto'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { type TestServer, startTestServer } from './server.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a database from which others can be created. */
    readonly serverUrl: string
    /** Whether CREATE DATABASE writes the copy to the WAL when no strategy is named: PostgreSQL 15 and later. */
    readonly copiesByWal: boolean
    /** What the names of this run's templates begin with. */
    readonly templatePrefix: string
    /** What the names of this run's other databases begin with. */
    readonly databasePrefix: string
  }
}

interface Shared {
  readonly server: TestServer
  readonly copiesByWal: boolean
  readonly templatePrefix: string
  readonly databasePrefix: string
}

// Each project loads this file anew and runs it; what they share is this process.
const ofThisProcess = globalThis as { chatkeepTests?: Promise<Shared> | undefined }

/** Starts one server for the run, whichever projects take part, and prints which it is. */
export const setup = async (project: TestProject): Promise<void> => {
  const { server, copiesByWal, templatePrefix, databasePrefix } = await (ofThisProcess.chatkeepTests ??= start())
  project.provide('serverUrl', server.url)
  project.provide('copiesByWal', copiesByWal)
  project.provide('templatePrefix', templatePrefix)
  project.provide('databasePrefix', databasePrefix)
}

const start = async (): Promise<Shared> => {
  const server = await startTestServer(process.env)
  console.log(`Database: ${server.description}`)
  const [version] = await query(server.url, `SELECT current_setting('server_version_num')::integer >= 150000 AS "is"`)
  const run = randomInt(36 ** 5)
    .toString(36)
    .padStart(5, '0')
  return {
    server,
    copiesByWal: version?.is === true,
    templatePrefix: `chatkeep_template_${run}_`,
    databasePrefix: `chatkeep_test_${run}`,
  }
}

/** The first project to end stops the server: all projects end together. */
export const teardown = async (): Promise<void> => {
  // A start that failed was reported by setup.
  const shared = await ofThisProcess.chatkeepTests?.catch(() => undefined)
  ofThisProcess.chatkeepTests = undefined
  if (shared === undefined) return
  try {
    await dropDatabases(shared)
  } finally {
    await shared.server.stop()
  }
}

/** Templates, and what the workers kept for tests that did not come. */
const dropDatabases = async ({ server: { url }, templatePrefix, databasePrefix }: Shared): Promise<void> => {
  const names = await query(
    url,
    'SELECT datname AS "name" FROM pg_database WHERE starts_with(datname, $1) OR starts_with(datname, $2)',
    [templatePrefix, databasePrefix],
  )
  for (const { name } of names) await query(url, `DROP DATABASE ${String(name)}`)
}

const query = async (
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql, [...values])).rows
  } finally {
    await client.end()
  }
}
