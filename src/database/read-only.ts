import { ExitCode, OperatorError } from '../errors.js'
import { or, sql, type NextStep } from '../next-step.js'
import type { Queryable } from './connection.js'
import { escapeIdentifier } from './identifier.js'
import { onlyRow } from './rows.js'

const SELECT_READ_ONLY = `
  SELECT pg_catalog.pg_is_in_recovery() AS "standby",
    pg_catalog.current_setting('default_transaction_read_only')::boolean AS "readOnly",
    pg_catalog.current_database()::text AS "database", current_user::text AS "user"`

interface Writability {
  readonly standby: boolean
  readonly readOnly: boolean
  readonly database: string
  readonly user: string
}

/** The statements that let sessions write again, wherever that was set. */
export const allowWrites = ({ database, user }: Pick<Writability, 'database' | 'user'>): NextStep =>
  sql(
    [
      `ALTER DATABASE ${escapeIdentifier(database)} RESET default_transaction_read_only`,
      `ALTER ROLE ${escapeIdentifier(user)} RESET default_transaction_read_only`,
    ],
    'where it was set',
  )

/** @throws OperatorError `read_only_database` (exit 3) on a standby, or where a setting forbids writes */
export const refuseReadOnly = async (client: Queryable): Promise<void> => {
  const found = onlyRow(await client.query<Writability>(SELECT_READ_ONLY))
  const { standby, readOnly } = found
  if (!standby && !readOnly) return
  const reason = standby ? 'it is a standby' : 'default_transaction_read_only is on'
  throw new OperatorError('read_only_database', `the server is read-only: ${reason}`, {
    exitCode: ExitCode.unreachable,
    hint: standby ? 'connect to the primary server' : [allowWrites(found), or('remove it from PGOPTIONS')],
  })
}
