import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { OperatorError } from '../errors.js'
import type { ProcessContext } from './context.js'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The real environment, completed by `.env` of the working directory, which never overrides it.
 * An empty variable counts as not set, as libpq has it.
 * @throws OperatorError `unreadable_env_file`
 */
export const readEnvironment = ({ env, cwd }: ProcessContext): Environment => {
  const real = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  return { ...readEnvFile(join(cwd, '.env')), ...real }
}

const readEnvFile = (path: string): Environment => {
  if (!existsSync(path)) return {}
  try {
    return parseEnv(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new OperatorError('unreadable_env_file', `${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
