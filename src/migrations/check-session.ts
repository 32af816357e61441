import type { Client } from 'pg'
import { missingSchema } from '../database/missing-schema.js'
import { isBehindPooler } from '../database/pooler.js'
import { refuseReadOnly } from '../database/read-only.js'
import { onlyRow } from '../database/rows.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { MigrationCommand } from './ledger/runs.js'

/** SET NOT NULL uses a validated CHECK since version 12; before, a rollback would block all writers during a scan. */
const OLDEST_SERVER = 140_000

/** @throws OperatorError when the connection goes through a pooler, or to a standby, an old server or a missing schema */
export const refuseSession = async (client: Client, command: MigrationCommand, schema: string): Promise<void> => {
  await refusePooler(client, command)
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

/** @throws OperatorError `connection_pooler` (exit 5) */
const refusePooler = async (client: Client, command: MigrationCommand): Promise<void> => {
  if (!(await isBehindPooler(client))) return
  throw new OperatorError(
    'connection_pooler',
    `${command} cannot run through a connection pooler: its lock and settings may be used by another session`,
    {
      exitCode: ExitCode.refused,
      hint: 'connect to the server directly: DIRECT_URL=postgres://… or --database-url',
    },
  )
}

const checkServer = async (client: Client, schema: string): Promise<void> => {
  const row = onlyRow(await client.query<ServerRow>(SELECT_SERVER, [schema]))
  if (row.versionNumber < OLDEST_SERVER) {
    throw new OperatorError('server_too_old', `the server is PostgreSQL ${row.version}; chatkeep needs 14 or newer`, {
      exitCode: ExitCode.refused,
    })
  }
  if (!row.hasSchema) throw missingSchema(schema)
}
