import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbeddedServer, type EmbeddedServer } from '../../src/database/embedded/embedded-server.js'
import { makeNode, type ReplicaNode } from '../support/replication.js'
import { copyWhileItRuns, STANDBY } from './copy-database.js'
import { familyOf, killFamily, readPostmasterPid, signalIfThere } from '../support/process-tree.js'

/** A durable PostgreSQL server that dies, stands still and comes back with what it had flushed. */
export interface DatabaseServer {
  /** Of the application's database, for a role that is no superuser; another one after each restart. */
  readonly url: () => string
  /** Kills all its processes; resolves to how many there were. */
  readonly kill: () => Promise<number>
  /** Starts it again and leads the links to it. */
  readonly restart: () => Promise<void>
  /** Stops all its processes where they are; resolves to how many there are. */
  readonly freeze: () => Promise<number>
  readonly thaw: () => void
  /** Runs statements as superuser, each on a connection of its own that is subject to no fault but death. */
  readonly administer: (...statements: readonly string[]) => Promise<readonly Readonly<Record<string, unknown>>[]>
  /** A connection of the superuser; whoever opens it ends it. */
  readonly connect: () => Promise<pg.Client>
  /** How often the server has answered a chat server with this SQLSTATE since it was started. */
  readonly countErrors: (sqlState: string) => Promise<number>
  /** Makes a standby that streams from it, from a copy that is taken while it runs; whoever makes it stops it. */
  readonly createStandby: () => Promise<ReplicaNode>
  /** A promoted standby takes its place, and its folder; the links lead to it. */
  readonly replaceBy: (standby: ReplicaNode) => Promise<void>
  readonly stop: () => Promise<void>
}

export const DATABASE = 'chat'
const ROLE = 'chat'

/** Durable, and so small that "too many connections" is soon there; its log counts every error by its code, without any statement. */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  max_connections: '47',
  log_min_messages: 'error',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_line_prefix: '%m [%p] %a sqlstate=%e ',
  log_checkpoints: 'off',
}

/** Starts it with the application's empty database in a folder of its own. @param onRestart told of the new URL */
export const startDatabaseServer = async (
  folder: string,
  ownerPid: number,
  onRestart: (url: string) => void,
): Promise<DatabaseServer> => {
  const dataDirectory = join(folder, 'database')
  await mkdir(dataDirectory, { mode: 0o755 })
  const start = (): Promise<EmbeddedServer> => startEmbeddedServer({ ownerPid, dataDirectory, settings: SETTINGS })
  let server = await start()
  let frozen: readonly number[] = []

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: server.url(DATABASE), connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    await client.connect()
    await client.query(
      `SET statement_timeout = 0; SET default_transaction_read_only = off; SET default_transaction_isolation = 'read committed'`,
    )
    return client
  }
  const administer: DatabaseServer['administer'] = async (...statements) => {
    const client = await connect()
    try {
      let rows: readonly Record<string, unknown>[] = []
      for (const statement of statements) rows = (await client.query<Record<string, unknown>>(statement)).rows
      return rows
    } finally {
      await client.end()
    }
  }
  await createApplication(server)
  return {
    url: () => {
      const url = new URL(server.url(DATABASE))
      url.username = ROLE
      return url.href
    },
    kill: async () => killFamily(await readPostmasterPid(dataDirectory)),
    restart: async () => {
      await server.stop()
      server = await start()
      onRestart(server.url(DATABASE))
    },
    freeze: async () => {
      frozen = await familyOf(await readPostmasterPid(dataDirectory))
      return frozen.filter((pid) => signalIfThere(pid, 'SIGSTOP')).length
    },
    thaw: () => {
      for (const pid of frozen) signalIfThere(pid, 'SIGCONT')
      frozen = []
    },
    administer,
    connect,
    countErrors: async (sqlState) => {
      const log = await readFile(join(dataDirectory, 'server.log'), 'utf8')
      // A connection that is refused has not said yet who it is.
      const lines = new RegExp(`(chatkeep serve|\\[unknown\\]) sqlstate=${sqlState} `, 'g')
      return log.match(lines)?.length ?? 0
    },
    createStandby: async () => {
      const root = join(folder, 'standby')
      const { port, password } = server
      const source = `host=127.0.0.1 port=${port} user=postgres password='${password}' application_name=${STANDBY}`
      await copyWhileItRuns(await connect(), dataDirectory, root)
      const settings = { ...SETTINGS, primary_conninfo: source, primary_slot_name: STANDBY }
      const standby = await makeNode(root, password, settings)
      await standby.start()
      return standby
    },
    replaceBy: async (standby) => {
      await standby.stop('fast')
      await server.stop()
      await rm(dataDirectory, { recursive: true, maxRetries: 20, retryDelay: 100 })
      await rename(standby.dataDirectory, dataDirectory)
      server = await start()
      onRestart(server.url(DATABASE))
    },
    stop: async () => {
      for (const pid of frozen) signalIfThere(pid, 'SIGCONT')
      await server.stop()
    },
  }
}

// The application's role is no superuser: those have connections of their own, and settings of the server do not bind them.
const createApplication = async (server: EmbeddedServer): Promise<void> => {
  const client = new pg.Client({ connectionString: server.url('postgres') })
  await client.connect()
  try {
    await client.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${server.password}'`)
    await client.query(`CREATE DATABASE ${DATABASE} OWNER ${ROLE}`)
  } finally {
    await client.end()
  }
}
