import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, open, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { prepareBinaries } from '../../src/database/embedded/binaries.js'
import { startEmbeddedServer } from '../../src/database/embedded/embedded-server.js'
import { childEnvironment, findServerAccount, runProgram } from '../../src/database/embedded/process.js'
import { runChatkeep } from './chatkeep.js'
import { isRunning, killFamily, readPostmasterPid, signalIfThere } from './process-tree.js'
import { throwAwayServer } from './throw-away.js'
import { until } from './until.js'

/** A server that can be stopped and started again on the same port. */
export interface ReplicaNode {
  readonly dataDirectory: string
  url(database?: string): string
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<Row[]>
  /** Resolves when it answers. @param settings override those of its first start */
  start(settings?: Readonly<Record<string, string>>): Promise<void>
  /** `kill` ends all its processes at once, as a power failure does. Does nothing when it does not run. */
  stop(mode: 'fast' | 'immediate' | 'kill'): Promise<void>
}

/** A primary, and a standby that streams from it under the name `standby`. */
export interface Replication {
  readonly primary: ReplicaNode
  readonly standby: ReplicaNode
  /** From now on every commit waits for the standby. */
  waitForStandby(): Promise<void>
  /** Ends the standby's recovery: it becomes a primary on a new timeline. */
  promote(): Promise<void>
  stop(): Promise<void>
}

export interface ReplicationOptions {
  /** What both have from the beginning, such as a migrated database. */
  readonly prepare?: (url: (database: string) => string) => Promise<unknown>
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Where the programs of another PostgreSQL than the embedded one are. */
  readonly binDirectory?: string | undefined
}

/** Prepares the database `postgres` with the tables of a chat, migrated. */
export const withChatTables = async (url: (database: string) => string): Promise<void> => {
  const argv = ['migrate', '--create-tables', '--yes', '--database-url', url('postgres')]
  const { exitCode, stderr } = await runChatkeep(argv)
  if (exitCode !== 0) throw new Error(`the database could not be migrated: ${stderr}`)
}

/** Starts both: the standby begins with a cold copy of the primary's data. */
export const startReplication = async ({
  prepare = () => Promise.resolve(),
  settings = {},
  binDirectory,
}: ReplicationOptions = {}): Promise<Replication> => {
  const { temporaryParent = '/tmp', settings: fast = {} } = await throwAwayServer()
  const folder = await realpath(await mkdtemp(join(temporaryParent, 'replication-test-')))
  const nodes: ReplicaNode[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop('kill')))
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
  try {
    await chmod(folder, 0o755)
    const roots = { primary: join(folder, 'primary'), standby: join(folder, 'standby') }
    const start = (): Promise<FirstServer> =>
      binDirectory === undefined
        ? startEmbeddedServer({ ownerPid: process.pid, dataDirectory: roots.primary, settings: fast })
        : startInstalled(roots.primary, binDirectory, fast)
    const first = await start()
    try {
      await prepare((database) => first.url(database))
    } finally {
      await first.stop()
    }
    const { exitCode, output } = await runProgram('/bin/cp', ['-a', roots.primary, roots.standby], {})
    if (exitCode !== 0) throw new Error(`the data could not be copied: ${output}`)
    await writeFile(join(roots.standby, 'data', 'standby.signal'), '', { mode: 0o644 })
    // A standby needs at least as many connections as the server had that wrote its WAL.
    const shared = {
      ...fast,
      max_connections: '200',
      wal_receiver_status_interval: '1s',
      wal_retrieve_retry_interval: '100ms',
      ...settings,
    }
    const program = binDirectory === undefined ? undefined : join(binDirectory, 'postgres')
    const primary = await makeNode(roots.primary, first.password, shared, program)
    nodes.push(primary)
    await primary.start()
    const source = `host=127.0.0.1 port=${portOf(primary)} user=postgres password='${first.password}' application_name=standby`
    const standby = await makeNode(roots.standby, first.password, { ...shared, primary_conninfo: source }, program)
    nodes.push(standby)
    await standby.start()
    await until(
      async () => (await primary.query(`SELECT FROM pg_stat_replication WHERE state = 'streaming'`)).length === 1,
      {
        what: 'the standby streams',
      },
    )
    return {
      primary,
      standby,
      waitForStandby: async () => {
        await primary.query(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`)
        await primary.query('SELECT pg_reload_conf()')
        const attached = `SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`
        await until(async () => (await primary.query(attached)).length === 1, { what: 'the standby is synchronous' })
      },
      promote: async () => {
        // Waits until it is done, for a minute at most.
        const [row] = await standby.query<{ done: boolean }>('SELECT pg_promote() AS "done"')
        if (row?.done !== true) throw new Error('the standby was not promoted')
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The server that writes what both begin with. */
interface FirstServer {
  readonly password: string
  url(database: string): string
  stop(): Promise<void>
}

const startInstalled = async (
  root: string,
  binDirectory: string,
  settings: Readonly<Record<string, string>>,
): Promise<FirstServer> => {
  const node = await initialiseNode(root, binDirectory, settings)
  return { password: '', url: (database) => node.url(database), stop: () => node.stop('fast') }
}

/** Creates and starts a server with the programs of an installed PostgreSQL, which trusts everybody. */
export const initialiseNode = async (
  root: string,
  binDirectory: string,
  settings: Readonly<Record<string, string>>,
): Promise<ReplicaNode> => {
  const account = await findServerAccount()
  await mkdir(root)
  if (account !== undefined) await chown(root, account.uid, account.gid)
  const { exitCode, output } = await runProgram(
    join(binDirectory, 'initdb'),
    ['-D', join(root, 'data'), '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    { account },
  )
  if (exitCode !== 0) throw new Error(`initdb failed: ${output}`)
  const node = await makeNode(root, '', settings, join(binDirectory, 'postgres'))
  await node.start()
  return node
}

const portOf = (node: ReplicaNode): string => new URL(node.url()).port

// The shell ends the server when its own standard input ends: with the process of the test, however that ends.
const GUARD = '"$@" & server=$!; read -r _; kill -QUIT $server; wait $server'

/** A server that does not run yet. @param program a `postgres` of another version than the embedded one */
export const makeNode = async (
  dataDirectory: string,
  password: string,
  settings: Readonly<Record<string, string>>,
  program?: string,
): Promise<ReplicaNode> => {
  const account = await findServerAccount()
  const postgres = program ?? (await prepareBinaries(account)).postgres
  const port = await findFreePort()
  const url = (database = 'postgres'): string =>
    `postgresql://postgres:${password}@127.0.0.1:${port}/${database}?sslmode=disable`
  let guard: ChildProcess | undefined

  const query = async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: url(), connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return (await client.query<Row>(sql, [...values])).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  const start = async (overrides: Readonly<Record<string, string>> = {}): Promise<void> => {
    const all = {
      ...settings,
      ...overrides,
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
    }
    const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const log = await open(join(dataDirectory, 'node.log'), 'a')
    guard = spawn('/bin/sh', ['-c', GUARD, 'sh', postgres, '-D', join(dataDirectory, 'data'), ...flags], {
      cwd: '/',
      env: childEnvironment,
      stdio: ['pipe', log.fd, log.fd],
      ...account,
    })
    await log.close()
    await until(() => query('SELECT'), { what: `the server answers (see ${dataDirectory}/node.log)` })
  }

  const stop = async (mode: 'fast' | 'immediate' | 'kill'): Promise<void> => {
    if (guard === undefined) return
    const pid = await readPostmasterPid(dataDirectory).catch(() => undefined)
    if (pid !== undefined) await end(pid, mode)
    const exited = once(guard, 'exit')
    guard.stdin?.end()
    await exited
    guard = undefined
  }

  return { dataDirectory, url, query, start, stop }
}

const end = async (pid: number, mode: 'fast' | 'immediate' | 'kill'): Promise<void> => {
  if (!(await isRunning(pid))) return
  if (mode === 'kill') await killFamily(pid)
  else signalIfThere(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
  await until(async () => !(await isRunning(pid)), { what: 'the server ends' })
}

export const findFreePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}
