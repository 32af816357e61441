import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { readFoundFile, readSettingsFile } from '../found-file.js'
import type { ProcessContext } from './context.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where variables come from. An empty variable counts as not set, as in libpq. */
export interface EnvironmentSources {
  readonly real: Environment
  readonly file: EnvFile | undefined
  /** Why the file, or a variable of it, is ignored. */
  readonly notes: readonly string[]
}

export interface EnvFile {
  /** As it is named in headers. */
  readonly name: string
  /** Named by `--env-file`, and not merely found in the working directory. */
  readonly isNamed: boolean
  readonly variables: Environment
}

/** Any of these names a database; PGUSER or PGPORT alone only say how to reach one. */
export const NAMING_VARIABLES = ['DIRECT_URL', 'DATABASE_URL', 'PGHOST', 'PGHOSTADDR', 'PGDATABASE', 'PGSERVICE']

export const namesDatabase = (variables: Environment): boolean =>
  NAMING_VARIABLES.some((name) => variables[name] !== undefined)

/** Whether they name a database, and not merely the server on which it is. */
export const nameOneItself = (variables: Environment): boolean =>
  NAMING_VARIABLES.some((name) => !name.startsWith('PGHOST') && variables[name] !== undefined)

const SECRET = 'CHATKEEP_OPERATOR_SECRET'
const UNREADABLE = 'unreadable_env_file'

/**
 * Reads the real environment, and the file that `--env-file` names, else `.env` of the working directory. That one says
 * which database is meant and how to reach it, and nothing else; one of another user is ignored.
 * @throws OperatorError `unreadable_env_file`
 */
export const readEnvironment = (
  { env, cwd }: Pick<ProcessContext, 'env' | 'cwd'>,
  named: string | undefined,
): EnvironmentSources => {
  const real = withoutEmpty(env)
  if (named !== undefined) {
    const variables = withoutEmpty(parse(readSettingsFile(resolve(cwd, named), UNREADABLE)))
    return { real, file: { name: named, isNamed: true, variables }, notes: [] }
  }
  const found = readFoundFile(join(cwd, '.env'), '--env-file', UNREADABLE)
  if (found === undefined) return { real, file: undefined, notes: [] }
  if ('ignored' in found) return { real, file: undefined, notes: [found.ignored] }
  const all = withoutEmpty(parse(found.text))
  const variables = Object.fromEntries(Object.entries(all).filter(([name]) => saysWhichDatabase(name)))
  const notes = all[SECRET] === undefined ? [] : [`.env: ${SECRET} is ignored; name the file with --env-file to use it`]
  return { real, file: { name: '.env', isNamed: false, variables }, notes }
}

/** The environment of a command: the real one, completed by a file that was named. */
export const variablesOf = ({ real, file }: EnvironmentSources): Environment =>
  file?.isNamed === true ? { ...file.variables, ...real } : real

const saysWhichDatabase = (name: string): boolean => NAMING_VARIABLES.includes(name) || name.startsWith('PG')

/** Which variables about the database each source sets, without their values. */
export const describeSources = ({ real, file }: EnvironmentSources): readonly string[] =>
  [{ name: 'the environment', variables: real }, ...(file === undefined ? [] : [file])].map(({ name, variables }) => {
    const names = Object.keys(variables).filter(saysWhichDatabase).toSorted()
    return `${name} sets ${names.length === 0 ? 'nothing about the database' : names.join(', ')}`
  })

const withoutEmpty = (variables: Environment): Environment =>
  Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''))

// A byte order mark would become a part of the first variable's name.
const parse = (text: string): Environment => parseEnv(text.replace(/^\ufeff/, ''))
