import { ExitCode, OperatorError } from '../errors.js'
import type { Queryable } from './connection.js'
import { escapeIdentifier, qualified } from './identifier.js'
import { hasSqlState, SqlState } from './sql-state.js'

/** What a question needs to read, and who asks. */
export interface ReadGrant {
  readonly user: string
  readonly schema: string
  readonly tables: readonly string[]
}

/** A question that could not be asked, since the role may not read what it is about. */
export const readDenied = ({ user, schema, tables }: ReadGrant, reason: string, cause?: unknown): OperatorError => {
  const role = escapeIdentifier(user)
  const grants = tables.map((table) => `GRANT SELECT ON ${qualified(schema, table)} TO ${role}`)
  return new OperatorError('insufficient_privilege', `the role ${user} may not read what is needed: ${reason}`, {
    exitCode: ExitCode.unreachable,
    hint: `ask as the owner of the tables (under row level security: as a role with BYPASSRLS), or: ${[`GRANT USAGE ON SCHEMA ${escapeIdentifier(schema)} TO ${role}`, ...grants].join('; ')}`,
    ...(hasSqlState(cause, SqlState.insufficientPrivilege) ? { sqlState: cause.code, cause } : {}),
  })
}

/** Turns the server's refusal of a read into `readDenied`; every other error passes unchanged. */
export const explainReadDenied = (error: unknown, grant: ReadGrant): unknown =>
  hasSqlState(error, SqlState.insufficientPrivilege) ? readDenied(grant, error.message, error) : error

/** Until the end of the transaction, row level security that would hide rows from us is an error instead of a wrong count. */
export const refuseHiddenRows = async (client: Queryable): Promise<void> => {
  await client.query('SET LOCAL row_security = off')
}
