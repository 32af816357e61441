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
}

/** `test` with a database of its own, made when the test names it: `test('…', async ({ database }) => …)`. */
export const test = base.extend<{ database: TestDatabase }>({
  database: async ({}, use) => {
    await withDatabase(use)
  },
})

/** Creates a database, hands it over, and drops it whatever happened: for tests that need another one, or one per file. */
export const withDatabase = async (work: (database: TestDatabase) => Promise<void>): Promise<void> => {
  const name = `chatkeep_test_${randomBytes(6).toString('hex')}`
  await administer(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
  const { database, close } = describeDatabase(name)
  try {
    await work(database)
  } finally {
    await close()
    await administer(`DROP DATABASE ${name} WITH (FORCE)`)
  }
}

const describeDatabase = (name: string): { database: TestDatabase; close: () => Promise<void> } => {
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
  }
  const close = async () => {
    // One that was ended from the other side, or by the test, has nothing left to close.
    await Promise.allSettled(clients.map(async (opened) => await opened.end()))
  }
  return { database, close }
}

const administer = async (sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: inject('serverUrl') })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
