import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import type { TestDatabase } from './database.js'
import { until } from './until.js'

export interface PgBouncer {
  readonly path: string
  readonly version: string
  /** Whether it tracks prepared statements across server connections: since 1.21. */
  readonly followsStatements: boolean
}

/** The installed PgBouncer, or undefined. Debian installs it into /usr/sbin, which is only on root's PATH. */
export const findPgBouncer = (): PgBouncer | undefined => {
  for (const path of ['pgbouncer', '/usr/sbin/pgbouncer']) {
    try {
      const output = execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      const [, version = '', major, minor] = /PgBouncer ((\d+)\.(\d+)\S*)/.exec(output) ?? []
      return { path, version, followsStatements: Number(major) > 1 || Number(minor) >= 21 }
    } catch {
      // Not there.
    }
  }
  return undefined
}

/** Runs a PgBouncer in transaction mode in front of the test's database. @param settings lines of its configuration */
export const withPooler = async <Database extends NamedDatabase>(
  { path, database, settings = [] }: PoolerOptions<Database>,
  work: (pooled: Database) => Promise<void>,
): Promise<void> => {
  const folder = await mkdtemp('/tmp/chatkeep-pooler-')
  const port = await findFreePort()
  const server = new URL(database.url)
  const files = { config: join(folder, 'pgbouncer.ini'), users: join(folder, 'users.txt') }
  await writeFile(files.config, configuration(server, database.name, port, files.users, settings), { mode: 0o644 })
  await writeFile(files.users, `"${server.username}" "${decodeURIComponent(server.password)}"\n`, { mode: 0o644 })
  // It refuses to run as root, so another user must be able to read these files. The password is only that of a test server.
  await chmod(folder, 0o755)
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn(path, ['-q', ...asUser, files.config], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (log += text.toString()))
  try {
    const url = new URL(database.url)
    url.port = String(port)
    await until(async () => child.exitCode !== null || (await answers(url.href)), { what: 'PgBouncer answers' })
    if (child.exitCode !== null) throw new Error(`PgBouncer ended: ${log}`)
    await work({ ...database, url: url.href })
  } finally {
    // SIGTERM stops it immediately; SIGINT would wait for clients that are still connected.
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
}

type NamedDatabase = Pick<TestDatabase, 'name' | 'url'>

export interface PoolerOptions<Database extends NamedDatabase> {
  readonly path: string
  readonly database: Database
  readonly settings?: readonly string[]
}

/** Server connections for all clients: so few that clients share them. */
export const POOL_SIZE = 2

const configuration = (server: URL, name: string, port: number, users: string, settings: readonly string[]): string =>
  [
    '[databases]',
    `${name} = host=${server.hostname} port=${server.port} dbname=${name}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = scram-sha-256',
    `auth_file = ${users}`,
    'pool_mode = transaction',
    `default_pool_size = ${POOL_SIZE}`,
    ...settings,
    '',
  ].join('\n')

const findFreePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

const answers = async (url: string): Promise<true> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } finally {
    await client.end().catch(() => undefined)
  }
}
