import { homedir } from 'node:os'
import { toConnectionTarget, type ConnectionTarget } from '../database/connection-target.js'
import { parseDatabaseUrl, parseTarget } from '../database/target/connection-string.js'
import { readService } from '../database/target/service-file.js'
import { settingsOf, variableOf, type ConnectionKeywords } from '../database/target/settings.js'
import { mergeLayers, settingsIn, type Layer, type SettingSource } from '../database/target/sources.js'
import { OperatorError } from '../errors.js'
import { namesDatabase, type EnvFile, type Environment, type EnvironmentSources } from './environment.js'
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
  const { layers, origin } = namedTarget(flags, sources, kind)
  const all = [...layers, schemaFlag(flags)]
  const target = { ...toConnectionTarget(mergeLayers(all), homeOf(sources.real)), ...settingsIn(all) }
  return origin === undefined ? target : { ...target, origin }
}

const schemaFlag = ({ schema }: DatabaseFlags): Layer =>
  layer(schema === undefined ? {} : { schema }, { kind: 'flag', name: '--schema' })

const homeOf = ({ HOME }: Environment): string => HOME ?? homedir()

const layer = (keywords: ConnectionKeywords, source: SettingSource): Layer => ({ keywords, sourceOf: () => source })

interface NamedTarget {
  readonly layers: readonly Layer[]
  readonly origin?: ConnectionTarget['origin']
}

const namedTarget = (flags: DatabaseFlags, { real, file }: EnvironmentSources, kind: ConnectionKind): NamedTarget => {
  const named = namedByFlag(flags)
  if (named !== undefined) return { layers: layersOf(real, named) }
  const fileNames = file !== undefined && namesDatabase(file.variables)
  if (fileNames && (file.isNamed || !namesDatabase(real))) {
    const { name, isNamed } = file
    return { layers: layersOfFile(file, real, namedUrl(file.variables, kind, name)), origin: { name, isNamed } }
  }
  if (namesDatabase(real)) return { layers: layersOf(real, namedUrl(real, kind)) }
  throw new OperatorError('no_database_named', 'no database is named', { details: WAYS_TO_NAME_ONE })
}

const namedByFlag = ({ databaseUrl, dbname }: DatabaseFlags): Layer | undefined => {
  if (databaseUrl !== undefined && dbname !== undefined)
    throw new OperatorError('usage', '--database-url and --dbname exclude each other')
  if (dbname !== undefined) return layer(parseTarget(dbname, '--dbname'), { kind: 'flag', name: '--dbname' })
  if (databaseUrl === undefined) return undefined
  return layer(parseDatabaseUrl(databaseUrl, '--database-url'), { kind: 'flag', name: '--database-url' })
}

const NOTHING = layer({}, { kind: 'default', name: '' })

/** @param file that some of the variables are from */
const layersOf = (variables: Environment, named: Layer = NOTHING, file?: EnvFile): readonly Layer[] => {
  const environment: Layer = {
    keywords: settingsOf(variables),
    sourceOf: (setting) => {
      const name = variableOf(setting, variables)
      return file?.variables[name] === undefined
        ? { kind: 'environment', name }
        : { kind: 'env-file', name, file: file.name }
    },
  }
  const { service: name, servicefile } = mergeLayers([environment, named])
  if (name === undefined) return [environment, named]
  const files = { named: servicefile, home: homeOf(variables), systemFolder: variables.PGSYSCONFDIR }
  const { file: serviceFile, keywords } = readService(name, files)
  return [environment, layer(keywords, { kind: 'service-file', name, file: serviceFile }), named]
}

const CREDENTIALS = ['password', 'sslcert', 'sslkey', 'sslpassword'] as const

/**
 * The settings of a file, completed by the real environment. A file that names a host gets no credentials but its own, be
 * they of the environment, of a service or in ~/.postgresql: the author of the file could collect them.
 */
const layersOfFile = (file: EnvFile, real: Environment, named: Layer | undefined): readonly Layer[] => {
  const completing = namesDatabase(real) ? { HOME: real.HOME } : real
  const all = layersOf({ ...completing, ...file.variables }, named, file)
  const own = { ...settingsOf(file.variables), ...named?.keywords }
  if (own.host === undefined && own.hostaddr === undefined) return all
  const credentials: ConnectionKeywords = {
    ...Object.fromEntries(CREDENTIALS.map((name) => [name, own[name]])),
    ...(own.sslcert === undefined ? { sslcertmode: 'disable' } : {}),
  }
  const sourceOf: Layer['sourceOf'] = (name) =>
    all.findLast(({ keywords }) => keywords[name] === credentials[name])?.sourceOf(name) ?? {
      kind: 'default',
      name: '',
    }
  return [...all, { keywords: credentials, sourceOf }]
}

const namedUrl = (variables: Environment, kind: ConnectionKind, file?: string): Layer | undefined => {
  const names = kind === 'direct' ? ['DIRECT_URL', 'DATABASE_URL'] : ['DATABASE_URL']
  for (const name of names) {
    const text = variables[name]
    if (text === undefined) continue
    const source: SettingSource = file === undefined ? { kind: 'environment', name } : { kind: 'env-file', name, file }
    return layer(parseDatabaseUrl(text, file === undefined ? name : `${name} in ${file}`), source)
  }
  return undefined
}
