import { withClient } from './connection.js'
import type { ConnectionTarget } from './connection-target.js'

/** The databases of a server that one can connect to, by name. */
export const listDatabases = (target: ConnectionTarget, signal: AbortSignal): Promise<readonly string[]> =>
  withClient(target, { applicationName: 'chatkeep complete', signal, queryTimeoutMs: 1_000 }, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `SELECT "datname" FROM pg_catalog.pg_database WHERE "datallowconn" AND NOT "datistemplate" ORDER BY "datname"`,
    )
    return rows.map(({ datname }) => datname)
  })
