import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { withClient, type Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { escapeIdentifier } from '../database/identifier.js'
import { isBehindPooler } from '../database/pooler.js'
import { onlyRow } from '../database/rows.js'
import { inReadOnlySnapshot } from '../database/transaction.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { MigrationCommand } from './ledger/runs.js'
import { withMigrationLock } from './running/migration-lock.js'
import type { LockWaitOptions } from './running/short-lock.js'
import { withWatch } from './running/watch-session.js'

/** SET NOT NULL trusts a validated CHECK since version 12; without that the way back would stop every writer. */
const OLDEST_SERVER = 140_000

/** How long to wait for what, and what the work is about. */
export interface MigrationOptions extends LockWaitOptions {
  /** How long one statement may take; a concurrent build that meets it leaves an INVALID index, which the next run builds again. */
  readonly statementTimeoutMs: number
  /** Whether whoever blocks is shown with what it runs, which may hold what people wrote. */
  readonly showQueries: boolean
  /** Of the plan that somebody agreed to; anything else is refused. */
  readonly planHash?: string | undefined
  /** Where the migration files are. */
  readonly folder: string
  readonly schema: string
}

/**
 * Gives the work one dedicated connection that holds the migration lock, with our schema first and no time-outs of the
 * role's, watched from a second one. Its name in pg_stat_activity tells this run from others.
 * @throws OperatorError when the connection goes through a pooler, to a standby, to an old server or a missing schema
 */
export const withMigrationSession = async <T>(
  target: ConnectionTarget,
  command: MigrationCommand,
  options: MigrationOptions,
  work: (client: Queryable) => Promise<T>,
): Promise<T> => {
  const applicationName = `chatkeep ${command} ${randomBytes(4).toString('hex')}`
  return withClient(target, { applicationName, signal: options.signal }, async (client) => {
    await refusePooler(client, command)
    await checkServer(client, options.schema)
    return withMigrationLock(client, options, async () => {
      await prepareSession(client, options)
      return withWatch(client as WireClient, target, options, work)
    })
  })
}

/** A client as node-postgres makes it; its types do not show this. */
type WireClient = Client & { readonly processID: number | null }

const PREVIEW_LIMITS = { statementTimeoutMs: 120_000, lockTimeoutMs: 1_000 }
const PREVIEW_QUERY_TIMEOUT_MS = 130_000

export interface PreviewOptions extends MigrationOptions {
  /** Nothing will follow, so the preview may go through a pooler. */
  readonly dryRun: boolean
}

/** Gives the work a session that the server keeps read-only, with our schema first. Takes no migration lock. */
export const withMigrationPreview = <T>(
  target: ConnectionTarget,
  command: MigrationCommand,
  { schema, signal, dryRun }: PreviewOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> => {
  const session = { applicationName: `chatkeep ${command} --dry-run`, signal, queryTimeoutMs: PREVIEW_QUERY_TIMEOUT_MS }
  return withClient(target, session, (client) =>
    inReadOnlySnapshot(client, PREVIEW_LIMITS, async () => {
      // Better now than after somebody has read the plan and agreed to it.
      if (!dryRun) {
        await refusePooler(client, command)
        await checkServer(client, schema)
      }
      await client.query(`SELECT set_config('search_path', quote_ident($1), true)`, [schema])
      return work(client)
    }),
  )
}

interface ServerRow {
  readonly version: string
  readonly versionNumber: number
  readonly standby: boolean
  readonly readOnly: boolean
  readonly hasSchema: boolean
}

const SELECT_SERVER = `
  SELECT current_setting('server_version') AS "version",
    current_setting('server_version_num')::integer AS "versionNumber",
    pg_is_in_recovery() AS "standby",
    current_setting('default_transaction_read_only')::boolean AS "readOnly",
    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1) AS "hasSchema"`

/** @throws OperatorError `connection_pooler` (exit 5) */
const refusePooler = async (client: Client, command: MigrationCommand): Promise<void> => {
  if (!(await isBehindPooler(client))) return
  throw new OperatorError(
    'connection_pooler',
    `${command} cannot go through a connection pooler: its lock and settings would end up in somebody else's session`,
    {
      exitCode: ExitCode.refused,
      hint: 'name the server itself: DIRECT_URL=postgres://… or --database-url',
    },
  )
}

const checkServer = async (client: Client, schema: string): Promise<void> => {
  const row = onlyRow(await client.query<ServerRow>(SELECT_SERVER, [schema]))
  if (row.standby || row.readOnly) {
    const reason = row.standby ? 'it is a standby' : 'default_transaction_read_only is on'
    throw new OperatorError('read_only_database', `the server takes no writes: ${reason}`, {
      exitCode: ExitCode.unreachable,
      hint: row.standby
        ? 'name the primary server'
        : 'switch it off where it comes from: ALTER DATABASE or ALTER ROLE … RESET default_transaction_read_only, or PGOPTIONS',
    })
  }
  if (row.versionNumber < OLDEST_SERVER) {
    throw new OperatorError('server_too_old', `the server is PostgreSQL ${row.version}; chatkeep needs 14 or newer`, {
      exitCode: ExitCode.refused,
    })
  }
  if (!row.hasSchema) {
    throw new OperatorError('schema_does_not_exist', `there is no schema ${JSON.stringify(schema)} in this database`, {
      hint: `name another one with --schema, or create it: CREATE SCHEMA ${escapeIdentifier(schema)}`,
    })
  }
}

// Roles of hosted databases carry short time-outs; a concurrent build that meets one leaves an INVALID index.
const prepareSession = async (
  client: Queryable,
  { schema, statementTimeoutMs }: Pick<MigrationOptions, 'schema' | 'statementTimeoutMs'>,
): Promise<void> => {
  await client.query(`SET search_path TO ${escapeIdentifier(schema)}`)
  await client.query(`SET statement_timeout = ${statementTimeoutMs}`)
  await client.query('SET lock_timeout = 0')
  await client.query('SET idle_in_transaction_session_timeout = 0')
  await client.query(`SET TIME ZONE 'UTC'`)
}
