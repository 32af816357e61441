import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pickSettings, settingsOf, type ConnectionKeywords } from '../database/connection-settings.js'
import { parseDatabaseUrl, toConnectionTarget, type ConnectionTarget } from '../database/connection-target.js'
import { OperatorError } from '../errors.js'
import { NAMING_VARIABLES, type Environment } from './environment.js'
import type { DatabaseFlags } from './flags.js'

/** `direct`: needs a session of its own (migrate, rollback, verify). `pooled`: may go through a transaction pooler. */
export type ConnectionKind = 'direct' | 'pooled'

const WAYS_TO_NAME_ONE = [
  'name one in one of these ways:',
  '  --database-url postgres://user@host:5432/name',
  '  DATABASE_URL, or DIRECT_URL for migrate, rollback and verify (also in .env)',
  '  PGHOST, PGDATABASE, PGUSER, … or PGSERVICE, as psql reads them',
  '  --embedded [DIR] for a PostgreSQL of its own',
]

/**
 * Decides which database is meant: `--database-url`, else `DIRECT_URL` (for direct connections) or `DATABASE_URL`,
 * else libpq's variables. What the winner leaves open is filled from the service file and libpq's variables, as in psql.
 * @throws OperatorError `no_database_named` (exit 2) when nothing names one
 */
export const resolveTarget = (
  flags: DatabaseFlags,
  environment: Environment,
  kind: ConnectionKind,
): ConnectionTarget => {
  const url = namedUrl(flags, environment, kind)
  if (url === undefined && !NAMING_VARIABLES.some((name) => environment[name] !== undefined)) {
    throw new OperatorError('no_database_named', 'no database is named', { details: WAYS_TO_NAME_ONE })
  }
  const fromUrl = url === undefined ? {} : urlKeywords(parseDatabaseUrl(url.text, url.source))
  const fromEnvironment = settingsOf(environment)
  const { service } = { ...fromEnvironment, ...fromUrl }
  const keywords: ConnectionKeywords = {
    ...fromEnvironment,
    ...(service === undefined ? {} : serviceKeywords(service, environment)),
    ...fromUrl,
  }
  const target = toConnectionTarget(keywords)
  return flags.schema === undefined ? target : { ...target, schema: flags.schema }
}

// PGHOSTADDR of the environment must not override a host in the URL.
const urlKeywords = (keywords: ConnectionKeywords): ConnectionKeywords =>
  keywords.host === undefined ? keywords : { hostaddr: undefined, ...keywords }

const namedUrl = (
  flags: DatabaseFlags,
  environment: Environment,
  kind: ConnectionKind,
): { readonly text: string; readonly source: string } | undefined => {
  if (flags.databaseUrl !== undefined) return { text: flags.databaseUrl, source: '--database-url' }
  const variables = kind === 'direct' ? ['DIRECT_URL', 'DATABASE_URL'] : ['DATABASE_URL']
  for (const source of variables) {
    const text = environment[source]
    if (text !== undefined) return { text, source }
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
