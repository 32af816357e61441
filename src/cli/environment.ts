import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { OperatorError } from '../errors.js'
import type { ProcessContext } from './context.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** Any of these names a database; PGUSER or PGPORT alone only say how to reach one. */
export const NAMING_VARIABLES = ['DIRECT_URL', 'DATABASE_URL', 'PGHOST', 'PGHOSTADDR', 'PGDATABASE', 'PGSERVICE']

/**
 * The real environment, completed by `.env` of the working directory, which never overrides it. An empty variable counts as
 * not set, as in libpq. If the real environment names a database, no variable of `.env` changes which one is meant.
 * @throws OperatorError `unreadable_env_file`
 */
export const readEnvironment = ({ env, cwd }: ProcessContext): Environment => {
  const real = withoutEmpty(env)
  const file = withoutEmpty(readEnvFile(join(cwd, '.env')))
  const isNamed = NAMING_VARIABLES.some((name) => real[name] !== undefined)
  const completing = isNamed ? Object.entries(file).filter(([name]) => !saysWhichDatabase(name)) : Object.entries(file)
  return { ...Object.fromEntries(completing), ...real }
}

const saysWhichDatabase = (name: string): boolean => NAMING_VARIABLES.includes(name) || name.startsWith('PG')

const withoutEmpty = (variables: Environment): Environment =>
  Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''))

const readEnvFile = (path: string): Environment => {
  if (!existsSync(path)) return {}
  try {
    // A byte order mark would become a part of the first variable's name.
    return parseEnv(readFileSync(path, 'utf8').replace(/^\ufeff/, ''))
  } catch (cause) {
    throw new OperatorError('unreadable_env_file', `${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
