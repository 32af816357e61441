import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
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

/** Empty databases of which no test has learned the name: a test that copied another one left its own here. */
const spares: string[] = []

/** Creates a database that outlives a test. It can be copied only while nothing is connected to it. */
export const createDatabase = async (): Promise<CreatedDatabase> => {
  const created = databaseNamed(spares.pop() ?? (await createEmpty()))
  const drop = async () => {
    const name = created.unseenName()
    if (name !== undefined) spares.push(name)
    else await dropDatabase(created.database.name)
  }
  return { ...created, drop }
}

const dropDatabase = (name: string): Promise<void> =>
  administer(async (client) => {
    const remaining = async () =>
      (await client.query('SELECT FROM pg_stat_activity WHERE datname = $1 LIMIT 1', [name])).rowCount !== 0
    // A pool has ended before its sessions have, and one that is ended by force in between throws its error at the process.
    const deadline = performance.now() + 2_000
    while ((await remaining()) && performance.now() < deadline) await delay(10)
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
  })

const newName = (): string =>
  `${inject('databasePrefix')}${randomInt(36 ** 7)
    .toString(36)
    .padStart(7, '0')}`

const createEmpty = async (): Promise<string> => {
  const name = newName()
  await administer((client) => client.query(create(name, 'template0')))
  // Before PostgreSQL 15, everybody may create objects there, which verify would warn of in every test.
  if (!inject('copiesByWal')) await runOn(name, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC')
  return name
}

/** PostgreSQL 15 and later copy through the WAL by default, which takes twice the processor time of copying files. */
const create = (name: string, template: string): string =>
  `CREATE DATABASE ${name} TEMPLATE ${template} ENCODING 'UTF8'${inject('copiesByWal') ? ' STRATEGY file_copy' : ''}`

interface NamedDatabase extends Pick<CreatedDatabase, 'database' | 'close'> {
  /** Its name, unless somebody has asked for it, and so may have connected. */
  readonly unseenName: () => string | undefined
}

/** A database that exists; it must be closed. */
export const databaseNamed = (given: string): NamedDatabase => {
  let name = given
  let isSeen = false
  const clients: pg.Client[] = []
  const client = async (config: pg.ClientConfig = {}) => {
    isSeen = true
    const opened = new pg.Client({ ...settingsFor(name), ...config })
    // Tests end connections from the server's side: the next query on one reports that.
    opened.on('error', () => undefined)
    clients.push(opened)
    await opened.connect()
    return opened
  }
  let first: Promise<pg.Client> | undefined
  const database: TestDatabase = {
    get name() {
      isSeen = true
      return name
    },
    get url() {
      isSeen = true
      return urlOf(name)
    },
    query: async <Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]) => {
      const { rows } = await (await (first ??= client())).query<Row>(sql, values && [...values])
      return rows
    },
    client,
    load: async (script) => {
      await (await (first ??= client())).query(script)
    },
    becomeCopyOf: async (template) => {
      if (clients.length > 0 || (isSeen && !(await isUntouched(name)))) return false
      if (isSeen) await administer((admin) => admin.query(`DROP DATABASE ${name}`))
      else {
        spares.push(name)
        name = newName()
      }
      isSeen = true
      await administer((admin) => admin.query(create(name, template)))
      return true
    },
  }
  const close = async () => {
    // Some are closed already, by the server or by the test.
    await Promise.allSettled(clients.map(async (opened) => await opened.end()))
  }
  return { database, close, unseenName: () => (isSeen ? undefined : name) }
}

const urlOf = (name: string): string => {
  const url = new URL(inject('serverUrl'))
  url.pathname = `/${encodeURIComponent(name)}`
  return url.href
}

// Not from the URL: pg leaves %3A and some others in a database's name as they are.
const settingsFor = (database: string): pg.ClientConfig => ({ ...parseIntoClientConfig(inject('serverUrl')), database })

const UNTOUCHED = `
  SELECT NOT EXISTS (SELECT FROM pg_class WHERE oid >= 16384) AND NOT EXISTS (SELECT FROM pg_namespace WHERE oid >= 16384) AS "is"`

const isUntouched = async (name: string): Promise<boolean> => (await runOn(name, UNTOUCHED))[0]?.is === true

const runOn = async (name: string, sql: string): Promise<readonly Record<string, unknown>[]> => {
  const client = new pg.Client(settingsFor(name))
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

/** Lets the database take connections, or refuse new ones. */
export const allowConnections = ({ name }: Pick<TestDatabase, 'name'>, isAllowed: boolean): Promise<void> =>
  administer((client) => client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${isAllowed}`))

let administrators: pg.Pool | undefined

/** Runs the work in a session on the database of the server's URL. Sessions are kept: a new one costs more than most work. */
export const administer = async (work: (client: pg.ClientBase) => Promise<unknown>): Promise<void> => {
  administrators ??= new pg.Pool({ connectionString: inject('serverUrl'), allowExitOnIdle: true }).on(
    'error',
    // One that the server has ended is replaced by the next work.
    () => undefined,
  )
  const client = await administrators.connect()
  try {
    await work(client)
  } finally {
    client.release()
  }
}
