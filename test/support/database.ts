import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject, test as base } from 'vitest'

export { afterAll, afterEach, beforeAll, beforeEach, describe, expect, vi } from 'vitest'

/** A database of one test, gone after it. */
export interface TestDatabase {
  readonly name: string
  readonly url: string
  /** Rows of one statement. All calls share one connection; settings and transactions belong into `client()`. */
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<Row[]>
  /** A new connection, closed after the test. */
  client(config?: pg.ClientConfig): Promise<pg.Client>
  /** Runs a script of any number of statements. */
  load(script: string): Promise<void>
  /** Is replaced by a copy of another database, unless a test has connected to it or made something in it already. */
  becomeCopyOf(template: string): Promise<boolean>
}

/** `test` with a database of its own, made when the test names it: `test('…', async ({ database }) => …)`. */
export const test = base.extend<{ database: TestDatabase }>({
  database: async ({}, use) => {
    await withDatabase(use)
  },
})

/** Creates a database, hands it over, and drops it whatever happened: for tests that need another one, or one per file. */
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

/** For what outlives a test. Connections have to be closed before others can copy the database. */
export const createDatabase = async (): Promise<CreatedDatabase> => {
  const name = `chatkeep_test_${randomBytes(6).toString('hex')}`
  await administer((client) => client.query(create(name, 'template0')))
  const drop = `DROP DATABASE ${name} WITH (FORCE)`
  return { ...describeDatabase(name), drop: () => administer((client) => client.query(drop)) }
}

/** Copying files takes half the processor time of writing them to the WAL, which is how releases from 15 on do it unasked. */
const create = (name: string, template: string): string =>
  `CREATE DATABASE ${name} TEMPLATE ${template} ENCODING 'UTF8'${inject('copiesByWal') ? ' STRATEGY file_copy' : ''}`

const describeDatabase = (name: string): Pick<CreatedDatabase, 'database' | 'close'> => {
  const url = new URL(inject('serverUrl'))
  url.pathname = `/${name}`
  const clients: pg.Client[] = []
  const client = async (config: pg.ClientConfig = {}) => {
    const opened = new pg.Client({ connectionString: url.href, ...config })
    // Tests end connections from the other side; whoever uses one learns of it from the query that fails.
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
    // One that was ended from the other side, or by the test, has nothing left to close.
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

/** Hands the work a session on the server's first database. */
export const administer = async (work: (client: pg.Client) => Promise<unknown>): Promise<void> => {
  const client = new pg.Client({ connectionString: inject('serverUrl') })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
