import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { findServerAccount } from '../../src/database/embedded/process.js'
import { blocksOf } from '../support/docs/blocks.js'
import { readPage } from '../support/docs/pages.js'
import { familyOf, isRunning, readPostmasterPid, signalIfThere } from '../support/process-tree.js'
import { findFreePort } from '../support/replication.js'
import { until } from '../support/until.js'

/** The programs of Debian's packages patroni, etcd-server, haproxy and postgresql-15. */
const BIN_DIR = '/usr/lib/postgresql/15/bin'
const PROGRAMS = ['patroni', 'etcd', 'haproxy', `${BIN_DIR}/postgres`]

/** Why the cluster cannot be started here; undefined when it can. */
export const reasonNotToRun = (): string | undefined => {
  const missing = PROGRAMS.filter((name) => !isInstalled(name))
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`
}

const isInstalled = (name: string): boolean => {
  try {
    execFileSync('/bin/sh', ['-c', 'command -v "$1"', 'sh', name], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A database server and the Patroni that runs it. */
export interface ClusterNode {
  readonly name: string
  readonly url: (database: string) => string
  startPatroni(): Promise<void>
  /** Kills Patroni, and leaves its server running. */
  killPatroni(): Promise<void>
  /** Kills the server and all its processes at once. */
  killServer(): Promise<void>
}

/** Two servers under Patroni, and HAProxy before them: the configuration is that of docs/operations.md. */
export interface PatroniCluster {
  readonly nodes: readonly ClusterNode[]
  /** Through HAProxy. */
  url(database: string): string
  /** By the list of both servers. */
  readonly hostsUrl: (database: string) => string
  leader(): Promise<ClusterNode>
  /** Moves the leader in order. */
  switchOver(): Promise<void>
  /** Starts whatever is down and waits until one leads, the other follows as its synchronous standby. */
  heal(): Promise<void>
  query<Row extends pg.QueryResultRow>(database: string, sql: string): Promise<Row[]>
  stop(): Promise<void>
}

const PASSWORD = 'cluster-test'

export interface ClusterOptions {
  /** Changes to the page's files: what stands there, and instead of it. */
  readonly changes?: readonly (readonly [string, string])[]
  /** What the other server is when all is well. */
  readonly follower?: 'sync_standby' | 'replica'
}

export const startPatroniCluster = async ({
  changes = [],
  follower = 'sync_standby',
}: ClusterOptions = {}): Promise<PatroniCluster> => {
  const account = await findServerAccount()
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-cluster-'))
  await chmod(folder, 0o755)
  if (account !== undefined) await chown(folder, account.uid, account.gid)
  const running = new Set<ChildProcess>()

  const launch = async (name: string, command: readonly string[]): Promise<ChildProcess> => {
    const [program = '', ...argv] = command
    const log = await open(join(folder, `${name}.log`), 'a')
    const child = spawn(program, argv, {
      cwd: folder,
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', HOME: folder },
      stdio: ['ignore', log.fd, log.fd],
      ...account,
    })
    await log.close()
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }

  const ports = { etcd: await findFreePort(), etcdPeer: await findFreePort(), haproxy: await findFreePort() }
  const places = await Promise.all(
    ['db1', 'db2'].map(async (name) => ({ name, port: await findFreePort(), rest: await findFreePort() })),
  )
  const substitutions = new Map([
    ['etcd.example:2379', `127.0.0.1:${ports.etcd}`],
    ['haproxy.example:5000', `127.0.0.1:${ports.haproxy}`],
    ...places.flatMap(({ name, port, rest }): [string, string][] => [
      [`${name} ${name}.example:5432 check port 8008`, `${name} 127.0.0.1:${port} check port ${rest}`],
      [`${name}.example:5432`, `127.0.0.1:${port}`],
      [`${name}.example:8008`, `127.0.0.1:${rest}`],
    ]),
    ['SUPERUSER-PASSWORD', PASSWORD],
    ['REPLICATION-PASSWORD', PASSWORD],
    ['10.0.0.0/8', '127.0.0.0/8'],
    ['mode: automatic', 'mode: off'],
  ])
  const page = blocksOf((await readPage('docs/operations.md')).text)
  const configuration = (fence: string, own: readonly (readonly [string, string])[] = []): string => {
    const block = page.find(({ language, note }) => `${language} ${note}`.trim() === fence)
    if (block === undefined) throw new Error(`the page has no block ${fence}`)
    return [...changes, ...own, ...substitutions].reduce((text, [from, to]) => text.replaceAll(from, to), block.content)
  }

  const nodes = await Promise.all(
    places.map(async ({ name, port }): Promise<ClusterNode> => {
      const root = join(folder, name)
      const file = join(folder, `${name}.yml`)
      await mkdir(root)
      if (account !== undefined) await chown(root, account.uid, account.gid)
      const text = configuration('yaml patroni', [
        ['name: db1', `name: ${name}`],
        ['db1.example', `${name}.example`],
        ['/var/lib/postgresql/15/crm', join(root, 'data')],
      ])
      await writeFile(file, text)
      let patroni: ChildProcess | undefined
      return {
        name,
        url: (database) => `postgresql://postgres:${PASSWORD}@127.0.0.1:${port}/${database}`,
        startPatroni: async () => {
          if (patroni?.exitCode === null && patroni.signalCode === null) return
          patroni = await launch(name, ['patroni', file])
        },
        killPatroni: async () => {
          if (patroni?.exitCode !== null || patroni.signalCode !== null) return
          const exited = once(patroni, 'exit')
          patroni.kill('SIGKILL')
          await exited
        },
        killServer: async () => {
          const pids = await familyOf(await readPostmasterPid(root))
          for (const pid of pids) signalIfThere(pid, 'SIGKILL')
          for (const pid of pids) await until(async () => !(await isRunning(pid)), { what: 'the server is dead' })
        },
      }
    }),
  )
  const url = (database: string): string => `postgresql://postgres:${PASSWORD}@127.0.0.1:${ports.haproxy}/${database}`

  const query = async <Row extends pg.QueryResultRow>(database: string, sql: string): Promise<Row[]> => {
    // Only reads, and what may be tried again: HAProxy cuts sessions when the leader changes.
    const ask = async (): Promise<Row[]> => {
      const client = new pg.Client({ connectionString: url(database), connectionTimeoutMillis: 5_000 })
      client.on('error', () => undefined)
      try {
        await client.connect()
        return (await client.query<Row>(sql)).rows
      } finally {
        await client.end().catch(() => undefined)
      }
    }
    return until(ask, { what: `the cluster answers ${sql}`, intervalMs: 200 })
  }

  const members = async (): Promise<readonly Member[]> => {
    for (const { rest } of places) {
      const answer = await fetch(`http://127.0.0.1:${rest}/cluster`, { signal: AbortSignal.timeout(2_000) }).catch(
        () => undefined,
      )
      if (answer?.ok === true) return ((await answer.json()) as { readonly members: readonly Member[] }).members
    }
    return []
  }

  const leader = (): Promise<ClusterNode> =>
    until(
      async () => {
        const found = (await members()).find(({ role, state }) => role === 'leader' && state === 'running')
        const node = nodes.find(({ name }) => name === found?.name)
        if (node === undefined) throw new Error('no server leads')
        return node
      },
      { what: 'one server leads', deadlineMs: 120_000, intervalMs: 200 },
    )

  const heal = async (): Promise<void> => {
    for (const node of nodes) await node.startPatroni()
    await until(async () => (await members()).some(({ role, state }) => role === follower && isUp(state)), {
      what: `the other server is a ${follower}`,
      deadlineMs: 180_000,
      intervalMs: 200,
    })
    // A running server does not follow yet: the leader makes its slot in the next round of Patroni.
    const following = `SELECT FROM pg_stat_replication WHERE state = 'streaming'`
    await until(async () => (await query('postgres', following)).length > 0, {
      what: 'the other server follows',
      intervalMs: 200,
    })
  }

  const switchOver = async (): Promise<void> => {
    const from = await leader()
    const rest = places.find(({ name }) => name === from.name)?.rest
    const body = JSON.stringify({ leader: from.name })
    const answer = await fetch(`http://127.0.0.1:${rest}/switchover`, { method: 'POST', body })
    if (!answer.ok) throw new Error(`Patroni refused to switch over: ${await answer.text()}`)
    await until(async () => (await leader()).name !== from.name, { what: 'the other server leads', intervalMs: 200 })
  }

  const stop = async (): Promise<void> => {
    // Patroni, told to end, stops its server in order.
    for (const child of running) child.kill('SIGTERM')
    await until(() => running.size === 0, { what: 'the cluster has ended', deadlineMs: 30_000 }).catch(() => {
      for (const child of running) child.kill('SIGKILL')
    })
    for (const node of nodes) await node.killServer().catch(() => undefined)
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }

  try {
    const client = `http://127.0.0.1:${ports.etcd}`
    const peer = `http://127.0.0.1:${ports.etcdPeer}`
    const flags = [
      ...['--data-dir', join(folder, 'etcd'), '--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
    ]
    await launch('etcd', ['etcd', ...flags])
    await until(async () => (await fetch(`${client}/health`)).ok, { what: 'etcd answers' })
    await writeFile(join(folder, 'haproxy.cfg'), configuration('haproxy database'))
    await launch('haproxy', ['haproxy', '-f', join(folder, 'haproxy.cfg')])
    await heal()
  } catch (error) {
    await stop()
    throw error
  }
  const hosts = places.map(({ port }) => `127.0.0.1:${port}`).join(',')
  return {
    nodes,
    url,
    hostsUrl: (database) => `postgresql://postgres:${PASSWORD}@${hosts}/${database}?target_session_attrs=read-write`,
    leader,
    switchOver,
    heal,
    query,
    stop,
  }
}

interface Member {
  readonly name: string
  readonly role: string
  readonly state: string
}

// Patroni 3.0 says running, later releases streaming.
const isUp = (state: string): boolean => state === 'running' || state === 'streaming'
