import { homedir } from 'node:os'
import { toConnectionTarget, type ConnectionTarget } from '../database/connection-target.js'
import { parseDatabaseUrl, parseTarget } from '../database/target/connection-string.js'
import { readService } from '../database/target/service-file.js'
import { settingsOf, type ConnectionKeywords } from '../database/target/settings.js'
import { OperatorError } from '../errors.js'
import { namesDatabase, type Environment, type EnvironmentSources } from './environment.js'
import type { DatabaseFlags } from './flags.js'

/** `direct`: needs a session of its own (migrate, rollback, verify). `pooled`: may go through a transaction pooler. */
export type ConnectionKind = 'direct' | 'pooled'

const WAYS_TO_NAME_ONE = [
  'name one in one of these ways:',
  '  --database-url postgres://user@host:5432/name',
  '  -d name, or -d "host=… dbname=…", as psql takes it',
  '  DATABASE_URL, or DIRECT_URL for migrate, rollback and verify (also in .env or --env-file FILE)',
  '  PGHOST, PGDATABASE, PGUSER, … or PGSERVICE, as psql reads them',
  '  --embedded [DIR] for a PostgreSQL of its own',
]

/**
 * Decides which database is meant: `--database-url` or `--dbname`, else `--env-file`, else the real environment, else `.env`;
 * in each of them `DIRECT_URL` (for direct connections) or `DATABASE_URL`, else libpq's variables. What the winner leaves open
 * is filled from the service file and libpq's variables, as in psql.
 * @throws OperatorError `no_database_named` (exit 2) when nothing names one
 */
export const resolveTarget = (
  flags: DatabaseFlags,
  sources: EnvironmentSources,
  kind: ConnectionKind,
): ConnectionTarget => {
  const { keywords, origin } = namedTarget(flags, sources, kind)
  const target = { ...toConnectionTarget(keywords, homeOf(sources.real)), ...(origin === undefined ? {} : { origin }) }
  return flags.schema === undefined ? target : { ...target, schema: flags.schema }
}

const homeOf = ({ HOME }: Environment): string => HOME ?? homedir()

interface NamedTarget {
  readonly keywords: ConnectionKeywords
  readonly origin?: ConnectionTarget['origin']
}

const namedTarget = (flags: DatabaseFlags, { real, file }: EnvironmentSources, kind: ConnectionKind): NamedTarget => {
  const named = namedByFlag(flags)
  if (named !== undefined) return { keywords: keywordsOf(real, named) }
  const fileNames = file !== undefined && namesDatabase(file.variables)
  if (fileNames && (file.isNamed || !namesDatabase(real))) {
    const { name, isNamed, variables } = file
    const keywords = keywordsOfFile(variables, real, namedUrl(variables, kind, name))
    return { keywords, origin: { name, isNamed } }
  }
  if (namesDatabase(real)) return { keywords: keywordsOf(real, namedUrl(real, kind)) }
  throw new OperatorError('no_database_named', 'no database is named', { details: WAYS_TO_NAME_ONE })
}

const namedByFlag = ({ databaseUrl, dbname }: DatabaseFlags): ConnectionKeywords | undefined => {
  if (databaseUrl !== undefined && dbname !== undefined)
    throw new OperatorError('usage', '--database-url and --dbname exclude each other')
  if (dbname !== undefined) return parseTarget(dbname, '--dbname')
  return databaseUrl === undefined ? undefined : parseDatabaseUrl(databaseUrl, '--database-url')
}

const keywordsOf = (variables: Environment, named: ConnectionKeywords = {}): ConnectionKeywords => {
  const fromEnvironment = settingsOf(variables)
  const { service, servicefile } = { ...fromEnvironment, ...named }
  const files = { named: servicefile, home: homeOf(variables), systemFolder: variables.PGSYSCONFDIR }
  const fromService = service === undefined ? {} : readService(service, files)
  return { ...fromEnvironment, ...fromService, ...named }
}

const CREDENTIALS = ['password', 'sslcert', 'sslkey', 'sslpassword'] as const

/**
 * The settings of a file, completed by the real environment. A file that names a host gets no credentials but its own, be
 * they of the environment, of a service or in ~/.postgresql: the author of the file could collect them.
 */
const keywordsOfFile = (
  variables: Environment,
  real: Environment,
  named: ConnectionKeywords | undefined,
): ConnectionKeywords => {
  const completing = namesDatabase(real) ? { HOME: real.HOME } : real
  const all = keywordsOf({ ...completing, ...variables }, named)
  const own = { ...settingsOf(variables), ...named }
  if (own.host === undefined && own.hostaddr === undefined) return all
  const credentials = Object.fromEntries(CREDENTIALS.map((name) => [name, own[name]]))
  return { ...all, ...credentials, ...(own.sslcert === undefined ? { sslcertmode: 'disable' } : {}) }
}

const namedUrl = (variables: Environment, kind: ConnectionKind, file?: string): ConnectionKeywords | undefined => {
  const names = kind === 'direct' ? ['DIRECT_URL', 'DATABASE_URL'] : ['DATABASE_URL']
  for (const name of names) {
    const text = variables[name]
    if (text !== undefined) return parseDatabaseUrl(text, file === undefined ? name : `${name} in ${file}`)
  }
  return undefined
}
