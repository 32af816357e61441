import { statfs } from 'node:fs/promises'
import pg from 'pg'
import type { Progress } from '../../src/terminal/progress.js'
import { withClient } from '../../src/database/connection.js'
import { parseDatabaseUrl, toConnectionTarget, type ConnectionTarget } from '../../src/database/connection-target.js'
import { createDatabaseIfMissing } from '../../src/database/create-database.js'
import { startEmbeddedServer, type EmbeddedServer } from '../../src/database/embedded/embedded-server.js'
import { createReplicaPace } from '../../src/database/waiting/replica-lag.js'
import { createWaitBudget } from '../../src/database/waiting/wait-budget.js'
import { escapeIdentifier } from '../../src/database/identifier.js'
import { onlyRow } from '../../src/database/rows.js'
import type { OperatorError } from '../../src/errors.js'
import { migrate, previewMigrate } from '../../src/migrations/migrate.js'
import { shippedMigrations } from '../../src/migrations/ledger/migration-files.js'
import type { BenchProcess } from './bench-process.js'

/** The server of one run. */
export interface BenchServer {
  readonly version: string
  /** The settings that the figures depend on, as the server says they are. */
  readonly settings: Readonly<Record<string, string>>
  readonly target: (database: string) => ConnectionTarget
  readonly url: (database: string) => string
}

/** One database of the server. */
export interface BenchDatabase {
  readonly url: string
  readonly target: ConnectionTarget
  /** For what is not measured; a statement under way is cancelled when the run is. */
  readonly client: pg.Client
}

/** Durable, as a production server is; memory and log so large that the disk is not busy with the defaults of a small machine. */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  maintenance_work_mem: '512MB',
  max_wal_size: '4GB',
}

const SHOW_SETTINGS = `
  SELECT current_setting('server_version') AS "version",
    (SELECT json_object_agg(name, current_setting(name) ORDER BY name) FROM pg_settings WHERE name = ANY ($1)) AS "settings"`

/** Starts one server in the system's temporary folder for as long as the work lasts. */
export const withBenchServer = async <T>(
  { pid, signal }: BenchProcess,
  progress: Progress,
  work: (server: BenchServer) => Promise<T>,
): Promise<T> => {
  const server = await startEmbeddedServer({ ownerPid: pid, settings: SETTINGS, signal })
  try {
    await warnOfMemory(server, progress)
    const target = (database: string): ConnectionTarget =>
      toConnectionTarget(parseDatabaseUrl(server.url(database), 'the URL of the embedded server'))
    const facts = await withClient(target('postgres'), { applicationName: 'chatkeep bench', signal }, async (client) =>
      onlyRow(
        await client.query<{ version: string; settings: Record<string, string> }>(SHOW_SETTINGS, [
          Object.keys(SETTINGS),
        ]),
      ),
    )
    return await untilAbandoned(work({ ...facts, target, url: (database) => server.url(database) }), signal)
  } finally {
    await server.stop()
  }
}

const PATIENCE_MS = 1_000

// A query under way may take a minute, and the store would try again for longer: interrupted work gets a moment to end, and is left behind.
const untilAbandoned = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  const abandoned = new Promise<never>((_resolve, reject) => {
    const abandon = (): void => reject(signal.reason as OperatorError)
    signal.addEventListener('abort', () => setTimeout(abandon, PATIENCE_MS), { once: true })
  })
  return Promise.race([work, abandoned])
}

/** `statfs` of Linux: file systems that are gone with the power. */
const IN_MEMORY = [0x01021994, 0x858458f6]

const warnOfMemory = async ({ dataDirectory }: EmbeddedServer, progress: Progress): Promise<void> => {
  const { type } = await statfs(dataDirectory)
  if (IN_MEMORY.includes(type))
    progress.line('warning: the temporary folder is in memory, so commits cost nothing: name one on a disk in TMPDIR')
}

interface DatabaseMaker {
  readonly server: BenchServer
  readonly signal: AbortSignal
}

/** Makes an empty database for the work. Dropped when it went well; else the server's end takes it away. */
export const withDatabase = async <T>(
  maker: DatabaseMaker,
  name: string,
  work: (database: BenchDatabase) => Promise<T>,
): Promise<T> => {
  const result = await makeDatabase(maker, name, work)
  await administer(maker, `DROP DATABASE ${escapeIdentifier(name)} WITH (FORCE)`)
  return result
}

/** Makes a database that stays until the server ends, for copies. */
export const makeDatabase = async <T>(
  maker: DatabaseMaker,
  name: string,
  fill: (database: BenchDatabase) => Promise<T>,
): Promise<T> => {
  await createDatabaseIfMissing(maker.server.target('postgres'), name)
  return inDatabase(maker, name, fill)
}

/** Gives the work a copy of a database to which nobody is connected; ends as `withDatabase` does. */
export const withCopy = async <T>(
  maker: DatabaseMaker,
  template: string,
  name: string,
  work: (database: BenchDatabase) => Promise<T>,
): Promise<T> => {
  // Copied as files: through the log, which is the default, the next checkpoint would have it all to write again.
  const [copy, original] = [name, template].map((one) => escapeIdentifier(one))
  await administer(maker, `CREATE DATABASE ${copy} TEMPLATE ${original} STRATEGY FILE_COPY`)
  const result = await inDatabase(maker, name, work)
  await administer(maker, `DROP DATABASE ${copy} WITH (FORCE)`)
  return result
}

// Its SQL names the tables without their schema, as an application's does.
const session = ({ signal }: DatabaseMaker) => ({ applicationName: 'chatkeep bench', signal, pins: 'course' }) as const

const inDatabase = <T>(
  maker: DatabaseMaker,
  name: string,
  work: (database: BenchDatabase) => Promise<T>,
): Promise<T> => {
  const { server } = maker
  const target = server.target(name)
  return withClient(target, session(maker), (client) => work({ url: server.url(name), target, client }))
}

const administer = async (maker: DatabaseMaker, statement: string): Promise<void> => {
  await withClient(maker.server.target('postgres'), session(maker), (client) => client.query(statement))
}

/** Makes a database with the product's tables. */
export const withMigratedDatabase = <T>(
  maker: DatabaseMaker,
  name: string,
  work: (database: BenchDatabase) => Promise<T>,
): Promise<T> =>
  withDatabase(maker, name, async (database) => {
    await migrateDatabase(database, maker.signal)
    return work(database)
  })

/** Brings a database to the newest migration, as `chatkeep migrate` does. */
export const migrateDatabase = async ({ target }: BenchDatabase, signal: AbortSignal): Promise<void> => {
  const waits = { maxWait: createWaitBudget(60_000), signal, onEvent: () => undefined }
  const options = {
    ...waits,
    replicas: createReplicaPace(10_000, waits),
    folder: shippedMigrations(),
    schema: 'public',
    lockTimeoutMs: 300,
    statementTimeoutMs: 0,
    showQueries: false,
    createTables: true,
  }
  const { plan } = await previewMigrate(target, { ...options, dryRun: false })
  await migrate(target, plan, options)
}

/** Gives the work a pool as an application has it, of the size that the store has by default. */
export const withPool = async <T>({ url }: BenchDatabase, work: (pool: pg.Pool) => Promise<T>): Promise<T> => {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  // Idle connections learn of the end of the server; without a listener they would end the process.
  pool.on('error', () => undefined)
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}
