import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { ExitCode, OperatorError } from '../../errors.js'
import { openPrivateFile } from '../../private-file.js'
import type { Binaries } from './binaries.js'
import type { ServerFolder } from './data-folder.js'
import { childEnvironment } from './process.js'

/** A started `postgres` process. */
export interface Postmaster {
  readonly child: ChildProcess
  readonly port: number
  /** Resolves, never rejects, to how the process ended. */
  readonly ended: Promise<string>
  hasEnded(): boolean
}

export const host = '127.0.0.1'
export const user = 'postgres'
const portAttempts = 5
/** Fast shutdown, immediate shutdown, kill. A temporary server gets less time, because its data is removed anyway. */
const waysToStop = {
  kept: [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ],
  temporary: [
    ['SIGINT', 3_000],
    ['SIGQUIT', 2_000],
    ['SIGKILL', 5_000],
  ],
} as const

/** Starts the server of an initialised folder on a free port; resolves when it answers. */
export const startPostmaster = async (
  folder: ServerFolder,
  binaries: Binaries,
  settings: Readonly<Record<string, string>>,
  password: string,
  signal: AbortSignal,
): Promise<Postmaster> => {
  for (let attempt = 1; ; attempt++) {
    const postmaster = await spawnPostmaster(folder, binaries, settings, await findFreePort())
    try {
      await untilReady(postmaster, folder, password, signal)
      return postmaster
    } catch (error) {
      const hasDied = postmaster.hasEnded()
      await stopPostmaster(postmaster, folder)
      // Another process may have taken the port meanwhile: try another port.
      if (!hasDied || attempt === portAttempts || (await isFree(postmaster.port))) throw error
    }
  }
}

/** Ends the server with stronger and stronger signals, each with its time limit; always resolves. */
export const stopPostmaster = async (postmaster: Postmaster, { isTemporary }: ServerFolder): Promise<void> => {
  for (const [signal, limitMs] of isTemporary ? waysToStop.temporary : waysToStop.kept) {
    if (postmaster.hasEnded()) return
    postmaster.child.kill(signal)
    await within(limitMs, postmaster.ended)
  }
}

const spawnPostmaster = async (
  folder: ServerFolder,
  binaries: Binaries,
  settings: Readonly<Record<string, string>>,
  port: number,
): Promise<Postmaster> => {
  // The last of two equal settings wins: callers cannot change these.
  const ours = { listen_addresses: host, port: String(port), unix_socket_directories: '' }
  const flags = [...Object.entries(settings), ...Object.entries(ours)].flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  // A file, not a pipe: a full pipe would block a server whose owner is busy or gone.
  await rm(folder.logFile, { force: true })
  const log = await openPrivateFile(folder.logFile, 'create')
  try {
    if (folder.account) await log.chown(folder.account.uid, folder.account.gid)
    const child = spawn(binaries.postgres, ['-D', folder.data, ...flags], {
      cwd: '/',
      env: childEnvironment,
      stdio: ['ignore', log.fd, log.fd],
      // Ctrl-C reaches the whole process group, and the owner still needs the database to shut down.
      detached: true,
      ...folder.account,
    })
    return watch(child, port)
  } finally {
    await log.close()
  }
}

const watch = (child: ChildProcess, port: number): Postmaster => {
  let hasEnded = false
  const ended = new Promise<string>((resolve) => {
    const settle = (description: string) => {
      hasEnded = true
      resolve(description)
    }
    child.once('error', (error) => settle(error.message))
    child.once('exit', (code, signal) => settle(signal ? `ended by ${signal}` : `exit code ${code ?? 'unknown'}`))
  })
  // A running server does not keep its owner alive; the next start removes it.
  child.unref()
  return { child, port, ended, hasEnded: () => hasEnded }
}

const untilReady = async (
  postmaster: Postmaster,
  folder: ServerFolder,
  password: string,
  signal: AbortSignal,
): Promise<void> => {
  while (!(await isReady(postmaster, folder))) {
    signal.throwIfAborted()
    if (postmaster.hasEnded()) throw couldNotStart(await readLog(folder), await postmaster.ended)
    await delay(10)
  }
  await tryToConnect(postmaster.port, folder, password)
}

/** As `pg_ctl --wait`: the lock file has the server's pid and, when it is up, its state. */
const isReady = async ({ child }: Postmaster, folder: ServerFolder): Promise<boolean> => {
  const lock = await readFile(join(folder.data, 'postmaster.pid'), 'utf8').catch(() => '')
  const lines = lock.split('\n')
  return lines[0] === String(child.pid) && lines[7]?.trim() === 'ready'
}

const tryToConnect = async (port: number, folder: ServerFolder, password: string): Promise<void> => {
  const database = { host, port, user, password, database: 'postgres', ssl: false }
  // Explicit, or pg would use PGOPTIONS.
  const client = new pg.Client({ ...database, options: '-c statement_timeout=5s', connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    await client.query('SELECT 1')
  } catch (error) {
    throw new OperatorError(
      'embedded_postgres_failed',
      `the embedded PostgreSQL runs but cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      { hint: `look at ${folder.passwordFile}`, exitCode: ExitCode.unreachable, cause: error },
    )
  } finally {
    // A failed connection has nothing to close, and an error of closing would hide the reason.
    await client.end().catch(() => undefined)
  }
}

const within = async (limitMs: number, work: Promise<unknown>): Promise<void> => {
  const timer = new AbortController()
  const limit = delay(limitMs, undefined, { signal: timer.signal }).catch(() => undefined)
  await Promise.race([work, limit])
  timer.abort()
}

const findFreePort = async (): Promise<number> =>
  await new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, host, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

const isFree = async (port: number): Promise<boolean> =>
  await new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })

/** The end of the server's log. */
export const readLog = async ({ logFile }: ServerFolder): Promise<string> =>
  await readFile(logFile, 'utf8').catch(() => '')

/** The error of a failed start, with the reason from the program's output. */
export const couldNotStart = (log: string, ending = ''): OperatorError => {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  const reason = lines.findLast((line) => /\b(?:FATAL|PANIC|error):/u.test(line)) ?? lines.at(-1) ?? ending
  return new OperatorError(
    'embedded_postgres_failed',
    `the embedded PostgreSQL could not start: ${reason.replace(/^.*?\b(?:FATAL|PANIC|error):\s*/u, '')}`,
    { details: lines.slice(-10), hint: 'name a database with --database-url', exitCode: ExitCode.unreachable },
  )
}
