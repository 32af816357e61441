import { homedir } from 'node:os'
import { listDatabases } from '../../database/list-databases.js'
import { serviceNames } from '../../database/target/service-file.js'
import { resolveTarget } from '../resolve-target.js'
import type { Source } from './candidate.js'

/** How long the shell may wait for the server. */
const PATIENCE_MS = 300

/** What `-d` takes: the services of the service file, and the databases of the server that the environment names. */
export const databasesAndServices: Source = async ({ env, typed }) => {
  const { PGSERVICEFILE: named, PGSYSCONFDIR: systemFolder, HOME: home = homedir() } = env
  const services = serviceNames({ named, home, systemFolder }).map((name) => [`service=${name}`, 'service'] as const)
  // The beginning of a URL or of another setting.
  if (/[=:/]/.test(typed)) return services
  const databases = await databasesOf(env)
  return [...databases.map((name) => [name, 'database'] as const), ...services]
}

const databasesOf = async (env: Parameters<Source>[0]['env']): Promise<readonly string[]> => {
  try {
    const target = resolveTarget({ dbname: 'postgres' }, { real: env, file: undefined, notes: [] }, 'pooled')
    return await listDatabases({ ...target, connectTimeoutMs: PATIENCE_MS }, AbortSignal.timeout(PATIENCE_MS))
  } catch {
    // Nobody asked for the server's error: there is nothing to offer.
    return []
  }
}
