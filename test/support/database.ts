import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { parseIntoClientConfig } from 'pg-connection-string'
import { inject, test as base } from 'vitest'

export { afterAll, afterEach, beforeAll, beforeEach, describe, expect, vi } from 'vitest'

/** A database of one test, dropped after it. */
export interface TestDatabase {
  readonly name: string
  readonly url: string
  /** Rows of one statement. All calls share one connection; use `client()` for settings and transactions. */
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<Row[]>
  /** A new connection, closed after the test. */
  client(config?: pg.ClientConfig): Promise<pg.Client>
  /** Runs a script of any number of statements. */
  load(script: string): Promise<void>
  /** Replaces it with a copy of another database. @returns false when the test has connected to it or changed it */
  becomeCopyOf(template: string): Promise<boolean>
}

/** `test` with a database of its own, created when the test asks for it: `test('…', async ({ database }) => …)`. */
export const test = base.extend<{ database: TestDatabase }>({
  database: async ({}, use) => {
    await withDatabase(use)
  },
})

/** Creates a database for the work and drops it even when the work fails: for tests that need another one, or one per file. */
export const withDatabase = async (work: (database: TestDatabase) => Promise<void>): Promise<void> => {
  const { database, close, drop } = await createDatabase()
  try {
    await work(database)
  } finally {
    await close()
    await drop()
  }
}

interface CreatedDatabase {
  readonly database: TestDatabase
  readonly close: () => Promise<void>
  readonly drop: () => Promise<void>
}

/** Creates a database that outlives a test. It can be copied only while nothing is connected to it. */
export const createDatabase = async (): Promise<CreatedDatabase> => {
  const name = `chatkeep_test_${randomBytes(6).toString('hex')}`
  await administer((client) => client.query(create(name, 'template0')))
  const drop = `DROP DATABASE ${name} WITH (FORCE)`
  const created = databaseNamed(name)
  // Before PostgreSQL 15, everybody may create objects there, which verify would warn of in every test.
  if (!inject('copiesByWal')) await created.database.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
  return { ...created, drop: () => administer((client) => client.query(drop)) }
}

/** PostgreSQL 15 and later copy through the WAL by default, which takes twice the processor time of copying files. */
const create = (name: string, template: string): string =>
  `CREATE DATABASE ${name} TEMPLATE ${template} ENCODING 'UTF8'${inject('copiesByWal') ? ' STRATEGY file_copy' : ''}`

/** A database that exists; it must be closed. */
export const databaseNamed = (name: string): Pick<CreatedDatabase, 'database' | 'close'> => {
  const url = new URL(inject('serverUrl'))
  url.pathname = `/${encodeURIComponent(name)}`
  // Not from the URL: pg leaves %3A and some others in a database's name as they are.
  const server = parseIntoClientConfig(inject('serverUrl'))
  const clients: pg.Client[] = []
  const client = async (config: pg.ClientConfig = {}) => {
    const opened = new pg.Client({ ...server, database: name, ...config })
    // Tests end connections from the server's side: the next query on one reports that.
    opened.on('error', () => undefined)
    clients.push(opened)
    await opened.connect()
    return opened
  }
  let first: Promise<pg.Client> | undefined
  const database: TestDatabase = {
    name,
    url: url.href,
    query: async <Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]) => {
      const { rows } = await (await (first ??= client())).query<Row>(sql, values && [...values])
      return rows
    },
    client,
    load: async (script) => {
      await (await (first ??= client())).query(script)
    },
    becomeCopyOf: async (template) => {
      if (first !== undefined || clients.length > 0 || !(await isUntouched(url))) return false
      await administer(async (client) => {
        await client.query(`DROP DATABASE ${name}`)
        await client.query(create(name, template))
      })
      return true
    },
  }
  const close = async () => {
    // Some are closed already, by the server or by the test.
    await Promise.allSettled(clients.map(async (opened) => await opened.end()))
  }
  return { database, close }
}

const UNTOUCHED = `
  SELECT NOT EXISTS (SELECT FROM pg_class WHERE oid >= 16384) AND NOT EXISTS (SELECT FROM pg_namespace WHERE oid >= 16384) AS "is"`

const isUntouched = async (url: URL): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    return (await client.query<{ is: boolean }>(UNTOUCHED)).rows[0]?.is === true
  } finally {
    await client.end()
  }
}

/** Runs the work in a session on the database of the server's URL. */
export const administer = async (work: (client: pg.Client) => Promise<unknown>): Promise<void> => {
  const client = new pg.Client({ connectionString: inject('serverUrl') })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
