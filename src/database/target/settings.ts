import { OperatorError } from '../../errors.js'
import { didYouMean } from '../../terminal/nearest-word.js'

/** The connection settings that chatkeep uses: libpq's keyword, and the environment variable that sets it. */
export const CONNECTION_SETTINGS = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  load_balance_hosts: 'PGLOADBALANCEHOSTS',
  channel_binding: 'PGCHANNELBINDING',
  require_auth: 'PGREQUIREAUTH',
  sslmode: 'PGSSLMODE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: undefined,
  sslcertmode: 'PGSSLCERTMODE',
  sslcrl: 'PGSSLCRL',
  sslcrldir: 'PGSSLCRLDIR',
  sslsni: 'PGSSLSNI',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  service: 'PGSERVICE',
  servicefile: 'PGSERVICEFILE',
  // Of ORMs, which write it into the URL.
  schema: undefined,
} as const

interface Unsupported {
  readonly variable?: string
  /** Values that ask for nothing. */
  readonly harmless: readonly string[]
  readonly reason: string
}

/** Settings of libpq that chatkeep cannot honour; ignoring them would weaken or change what was asked for. */
export const UNSUPPORTED_SETTINGS = {
  gssencmode: { variable: 'PGGSSENCMODE', harmless: ['disable', 'prefer'], reason: 'GSSAPI is not supported' },
  requirepeer: { variable: 'PGREQUIREPEER', harmless: [], reason: 'the owner of a socket cannot be checked' },
  replication: { harmless: ['false', 'off', 'no', '0'], reason: 'replication connections are not supported' },
  min_protocol_version: {
    variable: 'PGMINPROTOCOLVERSION',
    harmless: ['3.0'],
    reason: 'only version 3.0 of the protocol is supported',
  },
  scram_client_key: { harmless: [], reason: 'only passwords and certificates are supported' },
  scram_server_key: { harmless: [], reason: 'only passwords and certificates are supported' },
} as const satisfies Readonly<Record<string, Unsupported>>

/** Settings of libpq that change nothing here: keepalives are always on, the encoding is always UTF-8, and so on. */
export const IGNORED_SETTINGS = [
  'keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout client_encoding',
  'fallback_application_name sslcompression krbsrvname gsslib gssdelegation max_protocol_version',
  'oauth_issuer oauth_client_id oauth_client_secret oauth_scope sslkeylogfile authtype tty',
].flatMap((names) => names.split(' '))

/** Parameters that ORMs, drivers and hosts of databases write into URLs. */
export const FOREIGN_PARAMETERS = [
  'pgbouncer connection_limit pool_timeout socket_timeout statement_cache_size max_idle_connection_lifetime',
  'single_use_connections sslaccept sslidentity supa workaround uselibpqcompat prepared_statements prepare pool',
  'max min idle_timeout max_lifetime pool_size pool_max_conns pool_min_conns max_connections encoding',
  'statement_timeout lock_timeout idle_in_transaction_session_timeout query_timeout conn_max_age',
  'default_query_exec_mode statement_cache_capacity statement-cache-capacity prepared_statement_cache_size',
  'prepareThreshold preparedStatementCacheQueries reWriteBatchedInserts ApplicationName',
].flatMap((names) => names.split(' '))

export type ConnectionSetting = keyof typeof CONNECTION_SETTINGS | keyof typeof UNSUPPORTED_SETTINGS

/** Values of connection settings, as text. */
export type ConnectionKeywords = Readonly<Partial<Record<ConnectionSetting, string | undefined>>>

const KNOWN = [...Object.keys(CONNECTION_SETTINGS), ...Object.keys(UNSUPPORTED_SETTINGS), ...IGNORED_SETTINGS]

/**
 * The settings among those that a URL, a connection string or a service file names.
 * @param source where they are from, e.g. `--database-url`
 * @param foreign names that are accepted, too, and ignored
 * @throws OperatorError `invalid_connection_setting` for a name that nobody knows
 */
export const pickSettings = (
  given: Readonly<Record<string, string>>,
  source: string,
  foreign: readonly string[] = [],
): ConnectionKeywords => {
  const unknown = Object.keys(given).filter((name) => !KNOWN.includes(name) && !foreign.includes(name))
  if (unknown.length > 0) throw unknownSetting(unknown, source, foreign)
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => isUsed(name) && value !== ''))
}

/** The environment variable of each setting that has one. */
const VARIABLES: Readonly<Record<string, string | undefined>> = {
  ...CONNECTION_SETTINGS,
  ...Object.fromEntries(
    Object.entries<Unsupported>(UNSUPPORTED_SETTINGS).map(([name, { variable }]) => [name, variable]),
  ),
}

type Environment = Readonly<Record<string, string | undefined>>

/** The settings that the environment makes. */
export const settingsOf = (environment: Environment): ConnectionKeywords => ({
  // An old name, which libpq still reads.
  ...(environment.PGREQUIRESSL === '1' ? { sslmode: 'require' } : {}),
  ...Object.fromEntries(
    Object.entries(VARIABLES).flatMap(([name, variable]) => {
      const value = variable === undefined ? undefined : environment[variable]
      return value === undefined ? [] : [[name, value]]
    }),
  ),
})

/** The variable with which the environment makes a setting. */
export const variableOf = (name: ConnectionSetting, environment: Environment): string =>
  name === 'sslmode' && environment.PGSSLMODE === undefined ? 'PGREQUIRESSL' : (VARIABLES[name] ?? name)

/** @throws OperatorError `unsupported_connection_setting` when a setting asks for what chatkeep cannot do */
export const refuseUnsupported = (keywords: ConnectionKeywords): void => {
  for (const [name, { harmless, reason, variable }] of Object.entries<Unsupported>(UNSUPPORTED_SETTINGS)) {
    const value = keywords[name as keyof typeof UNSUPPORTED_SETTINGS]
    if (value === undefined || harmless.includes(value)) continue
    throw new OperatorError('unsupported_connection_setting', `${name}=${value} cannot be honoured: ${reason}`, {
      hint: `leave out ${name}${variable === undefined ? '' : `, or unset ${variable}`}, if you can do without`,
    })
  }
}

const isUsed = (name: string): boolean => name in CONNECTION_SETTINGS || name in UNSUPPORTED_SETTINGS

const unknownSetting = (names: readonly string[], source: string, foreign: readonly string[]): OperatorError => {
  const [first = ''] = names
  return new OperatorError(
    'invalid_connection_setting',
    `${source} has an unknown setting: ${names.map((name) => JSON.stringify(name)).join(', ')}`,
    { hint: didYouMean(first, [...KNOWN, ...foreign], 'the settings are those of libpq, such as sslmode') },
  )
}
