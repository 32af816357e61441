import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pickSettings, settingsOf, type ConnectionKeywords } from '../database/connection-settings.js'
import { parseDatabaseUrl, toConnectionTarget, type ConnectionTarget } from '../database/connection-target.js'
import { OperatorError } from '../errors.js'
import { namesDatabase, type Environment, type EnvironmentSources } from './environment.js'
import type { DatabaseFlags } from './flags.js'

/** `direct`: needs a session of its own (migrate, rollback, verify). `pooled`: may go through a transaction pooler. */
export type ConnectionKind = 'direct' | 'pooled'

const WAYS_TO_NAME_ONE = [
  'name one in one of these ways:',
  '  --database-url postgres://user@host:5432/name',
  '  DATABASE_URL, or DIRECT_URL for migrate, rollback and verify (also in .env or --env-file FILE)',
  '  PGHOST, PGDATABASE, PGUSER, … or PGSERVICE, as psql reads them',
  '  --embedded [DIR] for a PostgreSQL of its own',
]

/**
 * Decides which database is meant: `--database-url`, else `--env-file`, else the real environment, else `.env`; in each of
 * them `DIRECT_URL` (for direct connections) or `DATABASE_URL`, else libpq's variables. What the winner leaves open is filled
 * from the service file and libpq's variables, as in psql.
 * @throws OperatorError `no_database_named` (exit 2) when nothing names one
 */
export const resolveTarget = (
  flags: DatabaseFlags,
  sources: EnvironmentSources,
  kind: ConnectionKind,
): ConnectionTarget => {
  const { keywords, origin } = namedTarget(flags, sources, kind)
  const target = { ...toConnectionTarget(keywords), ...(origin === undefined ? {} : { origin }) }
  return flags.schema === undefined ? target : { ...target, schema: flags.schema }
}

interface NamedTarget {
  readonly keywords: ConnectionKeywords
  readonly origin?: ConnectionTarget['origin']
}

const namedTarget = (flags: DatabaseFlags, { real, file }: EnvironmentSources, kind: ConnectionKind): NamedTarget => {
  const { databaseUrl } = flags
  if (databaseUrl !== undefined) return { keywords: keywordsOf(real, { text: databaseUrl, source: '--database-url' }) }
  const fileNames = file !== undefined && namesDatabase(file.variables)
  if (fileNames && (file.isNamed || !namesDatabase(real))) {
    const { name, isNamed, variables } = file
    const keywords = keywordsOfFile(variables, real, namedUrl(variables, kind, name))
    return { keywords, origin: { name, isNamed } }
  }
  if (namesDatabase(real)) return { keywords: keywordsOf(real, namedUrl(real, kind)) }
  throw new OperatorError('no_database_named', 'no database is named', { details: WAYS_TO_NAME_ONE })
}

interface NamedUrl {
  readonly text: string
  readonly source: string
}

const keywordsOf = (variables: Environment, url: NamedUrl | undefined): ConnectionKeywords => {
  const fromUrl = url === undefined ? {} : urlKeywords(parseDatabaseUrl(url.text, url.source))
  const fromEnvironment = settingsOf(variables)
  const { service } = { ...fromEnvironment, ...fromUrl }
  const fromService = service === undefined ? {} : serviceKeywords(service, variables)
  return { ...fromEnvironment, ...fromService, ...fromUrl }
}

const CREDENTIALS = ['password', 'sslcert', 'sslkey'] as const

/**
 * The settings of a file, completed by the real environment. A file that names a host gets no credentials but its own, be
 * they of the environment or of a service: the author of the file could collect them.
 */
const keywordsOfFile = (variables: Environment, real: Environment, url: NamedUrl | undefined): ConnectionKeywords => {
  const completing = namesDatabase(real) ? {} : real
  const all = keywordsOf({ ...completing, ...variables }, url)
  const own = { ...settingsOf(variables), ...(url === undefined ? {} : parseDatabaseUrl(url.text, url.source)) }
  if (own.host === undefined && own.hostaddr === undefined) return all
  return { ...all, ...Object.fromEntries(CREDENTIALS.map((name) => [name, own[name]])) }
}

// PGHOSTADDR of the environment must not override a host in the URL.
const urlKeywords = (keywords: ConnectionKeywords): ConnectionKeywords =>
  keywords.host === undefined ? keywords : { hostaddr: undefined, ...keywords }

const namedUrl = (variables: Environment, kind: ConnectionKind, file?: string): NamedUrl | undefined => {
  const names = kind === 'direct' ? ['DIRECT_URL', 'DATABASE_URL'] : ['DATABASE_URL']
  for (const name of names) {
    const text = variables[name]
    if (text !== undefined) return { text, source: file === undefined ? name : `${name} in ${file}` }
  }
  return undefined
}

const serviceKeywords = (service: string, environment: Environment): ConnectionKeywords => {
  const files = [
    environment.PGSERVICEFILE ?? join(homedir(), '.pg_service.conf'),
    ...(environment.PGSYSCONFDIR === undefined ? [] : [join(environment.PGSYSCONFDIR, 'pg_service.conf')]),
  ]
  for (const file of files) {
    if (!existsSync(file)) continue
    const keywords = parseServiceFile(readFileSync(file, 'utf8')).get(service)
    if (keywords !== undefined) return pickSettings(keywords)
  }
  throw new OperatorError(
    'service_not_found',
    `there is no service ${JSON.stringify(service)} (named by PGSERVICE or the URL)`,
    {
      hint: `add a section [${service}] to ${files.join(' or ')}`,
    },
  )
}

/** The format of pg_service.conf: `[name]`, `keyword=value` lines, `#` comments. */
export const parseServiceFile = (text: string): ReadonlyMap<string, Readonly<Record<string, string>>> => {
  const services = new Map<string, Record<string, string>>()
  let current: Record<string, string> = {}
  for (const line of text.split(/\r?\n/).map((raw) => raw.trim())) {
    const section = /^\[(.+)\]$/.exec(line)?.[1]
    const [, keyword, value] = /^([a-z_]+)\s*=\s*(.*)$/.exec(line) ?? []
    if (section !== undefined) services.set(section, (current = services.get(section) ?? {}))
    else if (keyword !== undefined && value !== undefined) current[keyword] = value
  }
  return services
}
