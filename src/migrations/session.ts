import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { withClient, type Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { escapeIdentifier } from '../database/identifier.js'
import { pinSettings } from '../database/pinned-settings.js'
import { isBehindPooler } from '../database/pooler.js'
import { onlyRow } from '../database/rows.js'
import { inReadOnlySnapshot } from '../database/transaction.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { MigrationCommand } from './ledger/runs.js'
import { withOwnNames, type OwnClient } from './own/own-client.js'
import { withMigrationLock } from './running/migration-lock.js'
import type { LockWaitOptions } from './running/short-lock.js'
import { withWatch } from './running/watch-session.js'

/** SET NOT NULL uses a validated CHECK since version 12; before, a rollback would block all writers during a scan. */
const OLDEST_SERVER = 140_000

/** Time-outs, files and reporting of one migrate or rollback. */
export interface MigrationOptions extends LockWaitOptions {
  /** Limit of one statement. A concurrent build that hits it leaves an INVALID index, which the next run rebuilds. */
  readonly statementTimeoutMs: number
  /** Shows the query text of blocking sessions, which may contain personal data. */
  readonly showQueries: boolean
  /** Hash of the approved plan; any other plan is refused. */
  readonly planHash?: string | undefined
  /** Whether a database without the application's tables gets them; otherwise it is refused. */
  readonly createTables: boolean
  /** Folder of the migration files. */
  readonly folder: string
  readonly schema: string
}

/**
 * Runs work on a dedicated connection that holds the migration lock, with an empty search path and without the
 * role's own time-outs. A second connection watches it. Its application_name is unique to this run.
 * @throws OperatorError when the connection goes through a pooler, or to a standby, an old server or a missing schema
 */
export const withMigrationSession = async <T>(
  target: ConnectionTarget,
  command: MigrationCommand,
  options: MigrationOptions,
  work: (client: OwnClient) => Promise<T>,
): Promise<T> => {
  const applicationName = `chatkeep ${command} ${randomBytes(4).toString('hex')}`
  return withClient(target, { applicationName, signal: options.signal }, async (client) => {
    await refusePooler(client, command)
    await checkServer(client, options.schema)
    return withMigrationLock(client, options, async () => {
      await prepareSession(client, options)
      return withWatch(client as WireClient, target, options, (watched) => work(withOwnNames(watched, options.schema)))
    })
  })
}

/** A node-postgres client; its types omit `processID`. */
type WireClient = Client & { readonly processID: number | null }

const PREVIEW_LIMITS = { statementTimeoutMs: 120_000, lockTimeoutMs: 1_000 }
const PREVIEW_QUERY_TIMEOUT_MS = 130_000

export interface PreviewOptions extends MigrationOptions {
  /** No migration follows, so the preview can go through a pooler. */
  readonly dryRun: boolean
  /** Describe every statement, as a dry run does. */
  readonly verbose?: boolean | undefined
}

/** Runs work in a read-only snapshot with an empty search path. Takes no migration lock. */
export const withMigrationPreview = <T>(
  target: ConnectionTarget,
  command: MigrationCommand,
  { schema, signal, dryRun }: PreviewOptions,
  work: (client: OwnClient) => Promise<T>,
): Promise<T> => {
  const session = { applicationName: `chatkeep ${command} --dry-run`, signal, queryTimeoutMs: PREVIEW_QUERY_TIMEOUT_MS }
  return withClient(target, session, (client) =>
    inReadOnlySnapshot(client, PREVIEW_LIMITS, async () => {
      // Checked before the plan is shown, not after it was confirmed.
      if (!dryRun) {
        await refusePooler(client, command)
        await checkServer(client, schema)
      }
      return work(withOwnNames(client, schema))
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
    `${command} cannot run through a connection pooler: its lock and settings may be used by another session`,
    {
      exitCode: ExitCode.refused,
      hint: 'connect to the server directly: DIRECT_URL=postgres://… or --database-url',
    },
  )
}

const checkServer = async (client: Client, schema: string): Promise<void> => {
  const row = onlyRow(await client.query<ServerRow>(SELECT_SERVER, [schema]))
  if (row.standby || row.readOnly) {
    const reason = row.standby ? 'it is a standby' : 'default_transaction_read_only is on'
    throw new OperatorError('read_only_database', `the server is read-only: ${reason}`, {
      exitCode: ExitCode.unreachable,
      hint: row.standby
        ? 'connect to the primary server'
        : 'reset it where it is set: ALTER DATABASE or ALTER ROLE … RESET default_transaction_read_only, or PGOPTIONS',
    })
  }
  if (row.versionNumber < OLDEST_SERVER) {
    throw new OperatorError('server_too_old', `the server is PostgreSQL ${row.version}; chatkeep needs 14 or newer`, {
      exitCode: ExitCode.refused,
    })
  }
  if (!row.hasSchema) {
    throw new OperatorError(
      'schema_does_not_exist',
      `schema ${JSON.stringify(schema)} does not exist in this database`,
      {
        hint: `name another schema with --schema, or create it: CREATE SCHEMA ${escapeIdentifier(schema)}`,
      },
    )
  }
}

// Hosted databases give roles short time-outs; a concurrent build that hits one leaves an INVALID index.
const prepareSession = async (
  client: Queryable,
  { statementTimeoutMs }: Pick<MigrationOptions, 'statementTimeoutMs'>,
): Promise<void> => {
  await client.query([...pinSettings('session'), `SET statement_timeout = ${statementTimeoutMs}`].join('; '))
}
