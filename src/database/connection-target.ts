import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { ConnectionOptions } from 'node:tls'
import { parse } from 'pg-connection-string'
import { OperatorError } from '../errors.js'
import type { TargetNaming } from '../next-step.js'
import { ownUserId } from '../private-file.js'
import { printable } from '../terminal/printable.js'
import { pickSettings, type ConnectionKeywords, type ConnectionSetting } from './connection-settings.js'

/** Everything needed to connect to one database, complete and validated. */
export interface ConnectionTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password: string | undefined
  /** `negotiate`: TLS when the server offers it, as libpq's default `prefer` does. */
  readonly tls: 'off' | 'negotiate' | ConnectionOptions
  /** libpq's `options`, sent to the server at start-up. */
  readonly options: string | undefined
  readonly connectTimeoutMs: number
  /** The schema named in the URL (`?schema=`, as ORMs write it), if any. */
  readonly schema: string | undefined
  /** The file that named the database. */
  readonly origin?: { readonly name: string; readonly isNamed: boolean } | undefined
  /** How the command line named it, for the commands that are printed. */
  readonly naming?: TargetNaming | undefined
}

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000
const DEFAULT_PORT = 5432
const NO_HOST = 'no-host'
const URL_HINT =
  'write it as postgres://user:password@host:5432/database, with %40 for @, %2F for /, %23 for # and %3A for : inside the password'

/**
 * Reads the connection settings in a PostgreSQL URL.
 * @param source where the URL comes from, e.g. `--database-url`
 * @throws OperatorError `invalid_database_url`; its text never contains the URL, which may contain a password
 */
export const parseDatabaseUrl = (text: string, source: string): ConnectionKeywords => {
  const invalid = (reason: string): OperatorError =>
    new OperatorError('invalid_database_url', `${source} is not a usable PostgreSQL URL: ${reason}`, { hint: URL_HINT })
  if (text.trim() === '') throw invalid('it is empty')
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) throw invalid('it does not start with postgres://')
  if (scheme !== 'postgres' && scheme !== 'postgresql') throw invalid(`its scheme is ${scheme}, not postgres`)
  if (/^[^/]*:\/\/[^/?#]*,/.test(text)) throw invalid('it names several hosts; name one')
  // libpq accepts a user without a host, as in postgres://user@/database?host=/tmp; a WHATWG URL needs one.
  const complete = text.replace(/^(\w+:\/\/[^/?#]*@)(?=[/?#]|$)/, `$1${NO_HOST}`)
  if (!URL.canParse(complete)) throw invalid('it cannot be parsed')
  const url = new URL(complete)
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw invalid('it contains a % that is not followed by two hexadecimal digits')
    }
  }
  const parts: Record<string, string> = {
    host: url.hostname === NO_HOST ? '' : decode(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port,
    user: decode(url.username),
    password: decode(url.password),
    dbname: decode(url.pathname.replace(/^\//, '')),
  }
  const given = Object.entries(parts).filter(([, value]) => value !== '')
  return pickSettings({ ...Object.fromEntries(url.searchParams), ...Object.fromEntries(given) })
}

/**
 * Turns connection settings into a target, with libpq's defaults.
 * @throws OperatorError `invalid_connection_setting` for a port, time-out, TLS mode or certificate file that cannot be used
 */
export const toConnectionTarget = (keywords: ConnectionKeywords): ConnectionTarget => {
  const port = wholeNumber(keywords, 'port', 1, 65_535) ?? DEFAULT_PORT
  const host = keywords.hostaddr ?? keywords.host ?? defaultHost(port)
  const user = keywords.user ?? userInfo().username
  const connectTimeout = wholeNumber(keywords, 'connect_timeout', 0, 86_400)
  return {
    host,
    port,
    user,
    database: keywords.dbname ?? user,
    password: keywords.password,
    tls: tlsOf(keywords, host),
    options: keywords.options,
    // libpq waits forever with 0; chatkeep never does.
    connectTimeoutMs:
      connectTimeout === undefined || connectTimeout === 0 ? DEFAULT_CONNECT_TIMEOUT_MS : connectTimeout * 1_000,
    schema: keywords.schema === '' ? undefined : keywords.schema,
  }
}

/** `database on host:port as user from .env`, for messages. Never contains the password. */
export const describeTarget = (target: ConnectionTarget): string =>
  target.origin === undefined
    ? describeAddress(target)
    : `${describeAddress(target)} from ${printable(target.origin.name)}`

/** `database on host:port as user`: the same whatever named it. */
export const describeAddress = ({ database, host, port, user }: ConnectionTarget): string =>
  printable(`${database} on ${host.startsWith('/') ? host : `${host}:${port}`} as ${user}`)

/** The target as a URL, password included: for a child process, never for output. */
export const toDatabaseUrl = ({ host, port, user, database, password }: ConnectionTarget): string => {
  const credentials =
    password === undefined ? encodeURIComponent(user) : `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  return `postgres://${credentials}@${encodeURIComponent(host)}:${port}/${encodeURIComponent(database)}`
}

const wholeNumber = (
  keywords: ConnectionKeywords,
  name: ConnectionSetting,
  least: number,
  most: number,
): number | undefined => {
  const text = keywords[name]
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new OperatorError(
    'invalid_connection_setting',
    `${name} is ${JSON.stringify(text)}, but must be a whole number from ${least} to ${most}`,
  )
}

const defaultHost = (port: number): string => {
  const name = `.s.PGSQL.${port}`
  if (existsSync(`/var/run/postgresql/${name}`)) return '/var/run/postgresql'
  return isServerSocket(`/tmp/${name}`) ? '/tmp' : 'localhost'
}

// Every user may make a socket in /tmp, and would be sent a password there.
const isServerSocket = (path: string): boolean => {
  const status = lstatSync(path, { throwIfNoEntry: false })
  return status?.isSocket() === true && [0, ownUserId(), postgresUserId()].includes(status.uid)
}

const postgresUserId = (): number | undefined => {
  try {
    const id = /^postgres:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[1]
    return id === undefined ? undefined : Number(id)
  } catch {
    // Systems without this file keep their users elsewhere; the server's is then not known.
    return undefined
  }
}

/** Whether connections to the host stay on this machine. */
export const isLocal = (host: string): boolean =>
  host.startsWith('/') || /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host)

const TLS_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']

const tlsOf = (keywords: ConnectionKeywords, host: string): ConnectionTarget['tls'] => {
  const isSystem = keywords.sslrootcert === 'system'
  const mode = keywords.sslmode ?? (isSystem ? 'verify-full' : 'prefer')
  if (!TLS_MODES.includes(mode)) {
    throw new OperatorError(
      'invalid_connection_setting',
      `sslmode is ${JSON.stringify(mode)}, but must be one of ${TLS_MODES.join(', ')}`,
    )
  }
  if (isSystem && mode !== 'verify-full') {
    throw new OperatorError(
      'invalid_connection_setting',
      `sslmode is ${mode}, but sslrootcert=system needs verify-full: public authorities sign certificates for everybody`,
    )
  }
  if (host.startsWith('/') || mode === 'disable') return 'off'
  if (keywords.sslmode === undefined && isLocal(host)) return 'off'
  if (mode === 'prefer' || mode === 'allow') return 'negotiate'
  const query = new URLSearchParams({ sslmode: mode })
  for (const name of ['sslrootcert', 'sslcert', 'sslkey'] as const) {
    const file = keywords[name]
    if (file !== undefined && file !== 'system') query.set(name, file)
  }
  try {
    // pg-connection-string reads the certificate files and implements libpq's modes.
    const { ssl } = parse(`postgres://host/database?${query.toString()}`, { useLibpqCompat: true })
    const options = typeof ssl === 'object' ? (ssl as ConnectionOptions) : {}
    // With both, hostaddr is where to connect, and host is whose certificate is expected.
    return keywords.hostaddr === undefined || keywords.host === undefined
      ? options
      : { ...options, servername: keywords.host }
  } catch (cause) {
    throw new OperatorError('invalid_connection_setting', `TLS cannot be set up: ${(cause as Error).message}`, {
      cause,
      hint: 'check sslmode, sslrootcert, sslcert and sslkey',
    })
  }
}
