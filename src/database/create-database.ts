import { escapeIdentifier } from 'pg'
import { withClient } from './connection.js'
import type { ConnectionTarget } from './connection-target.js'

/** Creates a UTF-8 database on the target's server, unless it exists. */
export const createDatabaseIfMissing = (target: ConnectionTarget, name: string): Promise<void> =>
  withClient(target, { applicationName: 'chatkeep' }, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (rowCount === 0)
      await client.query(`CREATE DATABASE ${escapeIdentifier(name)} ENCODING 'UTF8' TEMPLATE template0`)
  })
