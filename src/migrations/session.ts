import type { Client } from 'pg'
import { withClient, type Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { escapeIdentifier } from '../database/identifier.js'
import { onlyRow } from '../database/rows.js'
import { ExitCode, OperatorError } from '../errors.js'
import { withMigrationLock } from './lock.js'

/** SET NOT NULL trusts a validated CHECK since version 12; without that the way back would stop every writer. */
const OLDEST_SERVER = 120_000

export interface MigrationSessionOptions {
  readonly command: 'migrate' | 'rollback'
  readonly schema: string
  /** How long to wait for the migration lock and, in sum, for locks on tables. */
  readonly maxWaitMs: number
  readonly signal: AbortSignal
  /** Told what a person would want to know meanwhile, line by line. */
  readonly onProgress: (line: string) => void
}

/** What the session found out about its server before anything was done. */
export interface ServerFacts {
  readonly version: string
}

/**
 * Gives the work one dedicated connection that holds the migration lock, with our schema first and no time-outs of the role's.
 * @throws OperatorError when the connection goes through a pooler, to a standby, to an old server or a missing schema
 */
export const withMigrationSession = async <T>(
  target: ConnectionTarget,
  options: MigrationSessionOptions,
  work: (client: Client, facts: ServerFacts) => Promise<T>,
): Promise<T> =>
  withClient(
    target,
    { applicationName: `chatkeep ${options.command}`, signal: options.signal },
    async (client) => {
      const facts = await checkServer(client, options)
      const { maxWaitMs, signal, onProgress } = options
      return withMigrationLock(client, { maxWaitMs, signal, onWait: onProgress }, async () => {
        await prepareSession(client, options.schema)
        return work(client, facts)
      })
    },
  )

interface ServerRow {
  readonly pid: number
  readonly version: string
  readonly versionNumber: number
  readonly standby: boolean
  readonly readOnly: boolean
  readonly hasSchema: boolean
}

const SELECT_SERVER = `
  SELECT pg_backend_pid() AS "pid",
    current_setting('server_version') AS "version",
    current_setting('server_version_num')::integer AS "versionNumber",
    pg_is_in_recovery() AS "standby",
    current_setting('transaction_read_only')::boolean AS "readOnly",
    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1) AS "hasSchema"`

const checkServer = async (client: Client, { command, schema }: MigrationSessionOptions): Promise<ServerFacts> => {
  const row = onlyRow(await client.query<ServerRow>(SELECT_SERVER, [schema]))
  const { processID } = client as Client & { readonly processID: number | null }
  if (processID !== row.pid) {
    throw new OperatorError('connection_pooler', `${command} cannot go through a connection pooler: its lock and settings would end up in somebody else's session`, {
      exitCode: ExitCode.refused,
      hint: 'name the server itself: DIRECT_URL=postgres://… or --database-url',
    })
  }
  if (row.standby || row.readOnly) {
    throw new OperatorError('read_only_database', `the server takes no writes: ${row.standby ? 'it is a standby' : 'it is read-only by its settings'}`, {
      exitCode: ExitCode.unreachable,
      hint: 'name the primary server',
    })
  }
  if (row.versionNumber < OLDEST_SERVER) {
    throw new OperatorError('server_too_old', `the server is PostgreSQL ${row.version}; chatkeep needs 12 or newer`, { exitCode: ExitCode.refused })
  }
  if (!row.hasSchema) {
    throw new OperatorError('schema_does_not_exist', `there is no schema ${JSON.stringify(schema)} in this database`, {
      hint: `name another one with --schema, or create it: CREATE SCHEMA ${escapeIdentifier(schema)}`,
    })
  }
  return { version: row.version }
}

// Roles of hosted databases carry short time-outs; a concurrent build that meets one leaves an INVALID index.
const prepareSession = async (client: Queryable, schema: string): Promise<void> => {
  await client.query(`SET search_path TO ${escapeIdentifier(schema)}`)
  await client.query('SET statement_timeout = 0')
  await client.query('SET lock_timeout = 0')
  await client.query('SET idle_in_transaction_session_timeout = 0')
  await client.query(`SET TIME ZONE 'UTC'`)
}
