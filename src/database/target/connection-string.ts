import { OperatorError } from '../../errors.js'
import { FOREIGN_PARAMETERS, pickSettings, type ConnectionKeywords } from './settings.js'

const URL_HINT =
  'write it as postgres://user:password@host:5432/database, with %40 for @, %2F for /, %23 for # and %3A for : inside the password'

type Invalid = (reason: string) => OperatorError

/**
 * Reads the connection settings in a PostgreSQL URL, by libpq's rules: several hosts, and none, are allowed.
 * @param source where the URL comes from, e.g. `--database-url`
 * @throws OperatorError `invalid_database_url`; its text never contains the URL, which may contain a password
 */
export const parseDatabaseUrl = (text: string, source: string): ConnectionKeywords => {
  const invalid: Invalid = (reason) =>
    new OperatorError('invalid_database_url', `${source} is not a usable PostgreSQL URL: ${reason}`, { hint: URL_HINT })
  if (text.trim() === '') throw invalid('it is empty')
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]
  if (scheme === undefined) throw invalid('it does not start with postgres://')
  if (!/^postgres(ql)?$/i.test(scheme)) throw invalid(`its scheme is ${scheme.toLowerCase()}, not postgres`)
  const parts =
    /^(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^/?]*)(?:\/(?<dbname>[^?]*))?(?:\?(?<query>.*))?$/s.exec(
      text.slice(scheme.length + 3),
    )?.groups
  if (parts === undefined) throw invalid('it cannot be parsed')
  const { user = '', password = '', hosts = '', dbname = '', query = '' } = parts
  const given = { user, password, dbname, ...parseHosts(hosts, invalid) }
  const decoded = Object.entries(given).map(([name, value]) => [name, decode(value, invalid)] as const)
  const own = decoded.filter(([, value]) => value !== '')
  return pickSettings({ ...Object.fromEntries(own), ...parseQuery(query, invalid) }, source, FOREIGN_PARAMETERS)
}

const parseHosts = (text: string, invalid: Invalid): { readonly host: string; readonly port: string } => {
  const hosts = text.split(',').map((entry) => {
    const { host, port = '' } = /^(?:\[(?<six>[^\]]*)\]|(?<host>[^:]*))(?::(?<port>\d*))?$/.exec(entry)?.groups ?? {}
    const six = /^\[([^\]]*)\]/.exec(entry)?.[1]
    if (host === undefined && six === undefined) throw invalid('it cannot be parsed')
    return { host: six ?? host ?? '', port }
  })
  const list = (values: readonly string[]): string => (values.every((value) => value === '') ? '' : values.join(','))
  return { host: list(hosts.map(({ host }) => host)), port: list(hosts.map(({ port }) => port)) }
}

const parseQuery = (query: string, invalid: Invalid): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (query === '' ? [] : query.split('&')).map((pair) => {
      const [, name, value] = /^([^=]*)=([^=]*)$/s.exec(pair) ?? []
      if (name === undefined || value === undefined) throw invalid('its parameters are not name=value, joined by &')
      const [keyword, text] = [decode(name, invalid), decode(value, invalid)]
      // As JDBC has it.
      return keyword === 'ssl' && text === 'true' ? ['sslmode', 'require'] : [keyword, text]
    }),
  )

const decode = (part: string, invalid: Invalid): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid('it contains a % that is not followed by two hexadecimal digits')
  }
}

/** Whether psql would take this for a connection string, and not for the name of a database. */
export const isConnectionString = (text: string): boolean => isUrl(text) || text.includes('=')

const isUrl = (text: string): boolean => /^postgres(ql)?:\/\//.test(text)

/**
 * Reads what psql takes after `-d`: a URL, a string such as `host=db dbname=crm`, or the name of a database.
 * @throws OperatorError `invalid_database_url`, `invalid_connection_string` or `invalid_connection_setting`
 */
export const parseTarget = (text: string, source: string): ConnectionKeywords => {
  if (isUrl(text)) return parseDatabaseUrl(text, source)
  return isConnectionString(text) ? pickSettings(parseKeywords(text, source), source) : { dbname: text }
}

const PAIR = /\s*([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?)(?=\s|$)/sy

/** `keyword=value` pairs; a value with white space is in single quotes, and a backslash takes away a character's meaning. */
const parseKeywords = (text: string, source: string): Readonly<Record<string, string>> => {
  const given: Record<string, string> = {}
  const pairs = new RegExp(PAIR)
  const end = text.trimEnd().length
  while (pairs.lastIndex < end) {
    const [, keyword, quoted, plain = ''] = pairs.exec(text) ?? []
    // The text may contain a password.
    if (keyword === undefined) throw invalidString(source)
    given[keyword] = (quoted ?? plain).replace(/\\(.)/gs, '$1')
  }
  return given
}

const invalidString = (source: string): OperatorError =>
  new OperatorError('invalid_connection_string', `${source} is not a usable connection string`, {
    hint: `write it as "host=db dbname=crm user=ana", with values that have spaces in single quotes`,
  })
