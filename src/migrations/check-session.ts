import type { Client } from 'pg'
import type { Queryable } from '../database/connection.js'
import { missingSchema } from '../database/missing-schema.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { refuseReadOnly } from '../database/read-only.js'
import { refuseSharedSession, type SessionNeed } from '../database/proxies/refuse-shared-session.js'
import { onlyRow } from '../database/rows.js'
import { ExitCode, OperatorError } from '../errors.js'
import { chatkeep, or } from '../next-step.js'
import type { MigrationCommand } from './ledger/runs.js'

/** SET NOT NULL uses a validated CHECK since version 12; before, a rollback would block all writers during a scan. */
const OLDEST_SERVER = 140_000

/** What a check of the session concerns. */
export interface SessionCheck {
  readonly command: MigrationCommand
  readonly schema: string
  readonly signal: AbortSignal
}

/**
 * @param client not in a transaction
 * @throws OperatorError `connection_pooler` (exit 5) when its server session is not its own
 */
export const refusePooler = (
  client: Client,
  target: ConnectionTarget,
  { command, signal }: SessionCheck,
): Promise<void> => refuseSharedSession(client, target, { ...sessionNeed(command), signal })

/** What a migrate or rollback needs of its session. */
export const sessionNeed = (command: MigrationCommand): SessionNeed => ({
  what: command,
  keeps: 'its lock and settings',
  otherwise: or(chatkeep(`${command} --sql transaction`, 'make a script')),
})

/** @throws OperatorError when the connection goes to a standby, an old server or a missing schema */
export const refuseServer = async (client: Queryable, { schema }: Pick<SessionCheck, 'schema'>): Promise<void> => {
  await refuseReadOnly(client)
  await checkServer(client, schema)
}

interface ServerRow {
  readonly version: string
  readonly versionNumber: number
  readonly hasSchema: boolean
}

const SELECT_SERVER = `
  SELECT current_setting('server_version') AS "version",
    current_setting('server_version_num')::integer AS "versionNumber",
    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1) AS "hasSchema"`

const checkServer = async (client: Queryable, schema: string): Promise<void> => {
  const row = onlyRow(await client.query<ServerRow>(SELECT_SERVER, [schema]))
  if (row.versionNumber < OLDEST_SERVER) {
    throw new OperatorError('server_too_old', `the server is PostgreSQL ${row.version}; chatkeep needs 14 or newer`, {
      exitCode: ExitCode.refused,
    })
  }
  if (!row.hasSchema) throw missingSchema(schema)
}
