import { randomBytes } from 'node:crypto'
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
  }
}

interface Shared {
  readonly server: TestServer
  readonly copiesByWal: boolean
  readonly templatePrefix: string
}

// Each project loads this file anew and runs it; what they share is this process.
const ofThisProcess = globalThis as { chatkeepTests?: Promise<Shared> | undefined }

/** Starts one server for the run, whichever projects take part, and prints which it is. */
export const setup = async (project: TestProject): Promise<void> => {
  const { server, copiesByWal, templatePrefix } = await (ofThisProcess.chatkeepTests ??= start())
  project.provide('serverUrl', server.url)
  project.provide('copiesByWal', copiesByWal)
  project.provide('templatePrefix', templatePrefix)
}

const start = async (): Promise<Shared> => {
  const server = await startTestServer(process.env)
  console.log(`Database: ${server.description}`)
  const [version] = await query(server.url, `SELECT current_setting('server_version_num')::integer >= 150000 AS "is"`)
  const templatePrefix = `chatkeep_template_${randomBytes(4).toString('hex')}_`
  return { server, copiesByWal: version?.is === true, templatePrefix }
}

/** The first project to end stops the server: all projects end together. */
export const teardown = async (): Promise<void> => {
  // A start that failed was reported by setup.
  const shared = await ofThisProcess.chatkeepTests?.catch(() => undefined)
  ofThisProcess.chatkeepTests = undefined
  if (shared === undefined) return
  try {
    await dropTemplates(shared)
  } finally {
    await shared.server.stop()
  }
}

const dropTemplates = async ({ server: { url }, templatePrefix }: Shared): Promise<void> => {
  const names = await query(url, 'SELECT datname AS "name" FROM pg_database WHERE starts_with(datname, $1)', [
    templatePrefix,
  ])
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
