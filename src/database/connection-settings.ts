/**
 * The connection settings that chatkeep reads from a URL, a service file or the environment: libpq's keyword, and the
 * environment variable that sets it. Everything else, such as the parameters of ORMs and poolers, is ignored.
 */
export const CONNECTION_SETTINGS = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  options: 'PGOPTIONS',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  service: 'PGSERVICE',
  // Of ORMs, which write it into the URL.
  schema: undefined,
} as const

export type ConnectionSetting = keyof typeof CONNECTION_SETTINGS

/** Values of connection settings, as text. */
export type ConnectionKeywords = Readonly<Partial<Record<ConnectionSetting, string | undefined>>>

/** The settings among any keywords or URL parameters. */
export const pickSettings = (given: Readonly<Record<string, string | undefined>>): ConnectionKeywords =>
  Object.fromEntries(Object.keys(CONNECTION_SETTINGS).flatMap((name) => (name in given ? [[name, given[name]]] : [])))

/** The settings that the environment makes. */
export const settingsOf = (environment: Readonly<Record<string, string | undefined>>): ConnectionKeywords =>
  Object.fromEntries(
    Object.entries(CONNECTION_SETTINGS).flatMap(([name, variable]) =>
      variable === undefined ? [] : [[name, environment[variable]]],
    ),
  )
