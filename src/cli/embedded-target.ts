import { resolve } from 'node:path'
import { toConnectionTarget, type ConnectionTarget } from '../database/connection-target.js'
import { createDatabaseIfMissing } from '../database/create-database.js'
import { startEmbeddedServer } from '../database/embedded/embedded-server.js'
import type { ProcessContext } from './context.js'
import type { DatabaseFlags } from './flags.js'

/** The database that `--embedded` works on. */
const EMBEDDED_DATABASE = 'chatkeep'

/** Starts an embedded PostgreSQL and stops it after the work. Its data is kept only with `--embedded DIR`. */
export const withEmbeddedTarget = async <T>(
  flags: DatabaseFlags,
  { cwd, pid, signal }: ProcessContext,
  work: (target: ConnectionTarget) => Promise<T>,
): Promise<T> => {
  const dataDirectory = typeof flags.embedded === 'string' ? resolve(cwd, flags.embedded) : undefined
  const server = await startEmbeddedServer({ dataDirectory, ownerPid: pid, signal })
  try {
    const { host, user, password } = server
    const reach = { host, port: String(server.port), user, password, schema: flags.schema, sslmode: 'disable' }
    await createDatabaseIfMissing(toConnectionTarget({ ...reach, dbname: 'postgres' }), EMBEDDED_DATABASE)
    return await work(toConnectionTarget({ ...reach, dbname: EMBEDDED_DATABASE }))
  } finally {
    await server.stop()
  }
}
