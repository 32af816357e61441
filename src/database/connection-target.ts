import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { TargetNaming } from '../next-step.js'
import { printable } from '../terminal/printable.js'
import type { OutageWait } from './failover/outage-wait.js'
import { createTimelines, type TimelineOptions, type Timelines } from './failover/timelines.js'
import { hostsOf, isSocket, wholeNumber, type Host } from './target/hosts.js'
import { readPasswordFile } from './target/password-file.js'
import { requireAuthOf, type RequiredMethods } from './target/authentication.js'
import { refuseUnsupported, type ConnectionKeywords } from './target/settings.js'
import type { GivenSetting } from './target/sources.js'
import { oneOf, tlsOf, type Tls } from './target/tls.js'

export { isLocal } from './target/hosts.js'
export { parseDatabaseUrl } from './target/connection-string.js'

const SESSION_ATTRIBUTES = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const

/** What a server must be (libpq's `target_session_attrs`). */
export type SessionAttributes = (typeof SESSION_ATTRIBUTES)[number]

/** Everything needed to connect to one database, complete and validated. */
export interface ConnectionTarget {
  /** The servers that may be meant, in the order in which they are tried. */
  readonly hosts: readonly [Host, ...Host[]]
  /** Of the first of them. */
  readonly host: string
  readonly port: number
  readonly sessionAttributes: SessionAttributes
  /** Whether the order of the hosts is random. */
  readonly balancesLoad: boolean
  readonly user: string
  /** The role that `options` sets, which then has the privileges; undefined when it is the user. */
  readonly role: string | undefined
  readonly database: string
  readonly password: string | undefined
  /** Asks a person for the password, once, if the server wants one and none is known. */
  readonly askPassword?: ((user: string) => Promise<string | undefined>) | undefined
  readonly tls: Tls
  readonly channelBinding: 'disable' | 'prefer' | 'require'
  readonly requiredMethods: RequiredMethods | undefined
  /** libpq's `options`, sent to the server at start-up. */
  readonly options: string | undefined
  /** Added to the application names of our sessions. */
  readonly applicationName: string | undefined
  readonly connectTimeoutMs: number
  /** What its connections note of promotions; nothing when absent. */
  readonly timelines?: Timelines | undefined
  /** Whether, of several servers, one that takes writes is meant, also where `sessionAttributes` allows any. */
  readonly writes?: boolean | undefined
  /** How work on it waits while it is unavailable; as the work itself decides when absent. */
  readonly wait?: OutageWait | undefined
  /** The schema named in the URL (`?schema=`, as ORMs write it), if any. */
  readonly schema: string | undefined
  /** The file that named the database. */
  readonly origin?: { readonly name: string; readonly isNamed: boolean } | undefined
  /** How the command line named it, for the commands that are printed. */
  readonly naming?: TargetNaming | undefined
  /** The file that `password` of a host is from, if there is one. */
  readonly passwordFile: string
  /** The settings that somebody made, each with its source; undefined for a database of our own. */
  readonly given?: readonly GivenSetting[] | undefined
  /** Settings that another source overrides. */
  readonly unused?: readonly GivenSetting[] | undefined
  /** What a person should know of the settings. */
  readonly warnings: readonly string[]
}

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000

/**
 * Turns connection settings into a target, with libpq's defaults.
 * @param home where the password file and the certificates are looked for
 * @throws OperatorError `invalid_connection_setting` for a setting that cannot be used, `unsupported_connection_setting`
 */
export const toConnectionTarget = (keywords: ConnectionKeywords, home = homedir()): ConnectionTarget => {
  refuseUnsupported(keywords)
  const named = hostsOf(keywords)
  const user = keywords.user ?? userInfo().username
  const database = keywords.dbname ?? user
  const { password } = keywords
  const passwordFile = keywords.passfile ?? join(home, '.pgpass')
  const file = password === undefined ? readPasswordFile(passwordFile) : undefined
  const hosts = named.map((host) => ({
    ...host,
    password: password ?? file?.find(host, database, user),
  }))
  const { connect_timeout: timeout = '0' } = keywords
  return {
    // As many as were named.
    hosts: hosts as [Host, ...Host[]],
    host: named[0].host,
    port: named[0].port,
    sessionAttributes: oneOf('target_session_attrs', keywords.target_session_attrs, SESSION_ATTRIBUTES, 'any'),
    balancesLoad:
      oneOf('load_balance_hosts', keywords.load_balance_hosts, ['disable', 'random'], 'disable') === 'random',
    user,
    role: roleOf(keywords.options),
    database,
    password,
    tls: tlsOf(keywords, named, home),
    channelBinding: oneOf('channel_binding', keywords.channel_binding, ['disable', 'prefer', 'require'], 'prefer'),
    requiredMethods: requireAuthOf(keywords.require_auth),
    options: keywords.options,
    applicationName: keywords.application_name,
    // libpq waits forever with 0; chatkeep never does.
    connectTimeoutMs: wholeNumber('connect_timeout', timeout, 0, 86_400) * 1_000 || DEFAULT_CONNECT_TIMEOUT_MS,
    schema: keywords.schema === '' ? undefined : keywords.schema,
    passwordFile,
    warnings: file?.warning === undefined ? [] : [file.warning],
  }
}

/** The target of what writes: of several servers the primary, and never one from before a promotion. */
export const forWriting = (target: ConnectionTarget, options?: TimelineOptions): ConnectionTarget => ({
  ...target,
  writes: true,
  timelines: target.timelines ?? createTimelines(options),
})

/** The role in `-c role=x` or `--role=x`; the last one counts. */
const roleOf = (options = ''): string | undefined =>
  Array.from(options.matchAll(/(?:^|\s)(?:-c\s*|--)role=((?:\\.|[^\s\\])+)/g), ([, role]) => role)
    .at(-1)
    ?.replace(/\\(.)/g, '$1')

/** `database on host:port as user from .env`, for messages. Never contains the password. */
export const describeTarget = (target: ConnectionTarget): string =>
  target.origin === undefined
    ? describeAddress(target)
    : `${describeAddress(target)} from ${printable(target.origin.name)}`

/** `database on host:port as user`: the same whatever named it. */
export const describeAddress = (target: ConnectionTarget): string =>
  printable(`${target.database} on ${target.hosts.map(describeHost).join(', ')} as ${describeUser(target)}`)

/** `x`, or `x (logged in as y)` where the options set another role. */
export const describeUser = ({ user, role }: Pick<ConnectionTarget, 'user' | 'role'>): string =>
  role === undefined || role === user ? user : `${role} (logged in as ${user})`

/** `host:port`, with the address if that was named besides. */
export const describeHost = ({ host, port, address }: Host): string => {
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return address === undefined || address === host || isSocket(host) ? where : `${where} (${address})`
}

/** The target as a URL, password included: for a child process, never for output. */
export const toDatabaseUrl = ({ host, port, user, database, password, tls }: ConnectionTarget): string => {
  const credentials =
    password === undefined ? encodeURIComponent(user) : `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  return `postgres://${credentials}@${encodeURIComponent(host)}:${port}/${encodeURIComponent(database)}${tls.ways.includes('tls') ? '' : '?sslmode=disable'}`
}
