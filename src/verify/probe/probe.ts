import { randomBytes, randomUUID } from 'node:crypto'
import type { Queryable } from '../../database/connection.js'
import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { allowWrites, readWritability, type Writability } from '../../database/read-only.js'
import { onlyRow } from '../../database/rows.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { inRolledBackTransaction, type SnapshotLimits } from '../../database/transaction.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { createChatStore } from '../../persistence/chat-store.js'
import { isId, type StoredId } from '../../persistence/ids/ids.js'
import type { Finding } from '../finding.js'
import { finding } from '../finding.js'
import { runGuestFlow } from './guest-flow.js'
import { createProbeSession } from './session.js'
import { missingPrivileges, readRoleAccess } from '../../persistence/access/role-access.js'
import { or, sql } from '../../next-step.js'

export interface ProbeOptions extends SnapshotLimits {
  readonly schema: string
  readonly database: string
  /** The role whose privileges the probe has; by default the session's. */
  readonly role: string | undefined
  readonly signal: AbortSignal
}

/** Time limit of a save with its retries, so that a short lock causes no finding. */
const DEADLINE_MS = 2_000

/**
 * Runs what guests and operators do, with the code of the core, in a transaction that is always rolled back. Only values of
 * sequences are consumed.
 * @throws OperatorError on a standby, and if the session may not act as the role
 */
export const probe = async (client: Queryable, options: ProbeOptions): Promise<readonly Finding[]> =>
  inRolledBackTransaction(client, options, async () => {
    const writability = await readWritability(client)
    if (writability.isStandby) throw onStandby(options)
    if (writability.readOnly) return [readOnly(writability)]
    const operatorId = await findOperator(client, options)
    const actor = await takeRole(client, options.role, writability.role)
    const access = await readRoleAccess(client, options.schema, actor)
    const grants = access === undefined ? [] : missingPrivileges(access, options.schema).map(({ grant }) => grant)
    const session = createProbeSession(client, options.signal)
    const store = createChatStore({ pool: session.pool }, { schema: options.schema, deadlineMs: DEADLINE_MS })
    const guest = { username: `chatkeep-probe-${randomUUID().slice(0, 13)}`, phone: probePhone(), operatorId }
    return runGuestFlow({ store, client, session, guest, user: actor, grants, ...options })
  })

const onStandby = ({ database }: ProbeOptions): OperatorError =>
  new OperatorError('probe_on_standby', `the server is a standby, so ${database} is read-only on it`, {
    exitCode: ExitCode.unreachable,
    hint: 'name the primary server, or omit --probe',
  })

const readOnly = (found: Writability): Finding => ({
  ...finding('error', 'probe_read_only', {
    object: `database ${found.database}`,
    expected: 'sessions that can write',
    actual: 'read-only sessions (default_transaction_read_only): no message can be saved',
    help: allowWrites(found),
  }),
  sqlState: SqlState.readOnlyTransaction,
})

// With the id of an operator, the probe also tests that foreign key.
const findOperator = async (client: Queryable, { schema }: ProbeOptions): Promise<number | null> => {
  await client.query('SAVEPOINT operator')
  try {
    const { rows } = await client.query<{ id: StoredId }>(
      `SELECT "id" FROM ${qualified(schema, 'User')} ORDER BY "id" LIMIT 1`,
    )
    const id = Number(rows[0]?.id)
    return isId(id) ? id : null
  } catch {
    // Messages do not need the table, so it may be missing or unreadable.
    await client.query('ROLLBACK TO SAVEPOINT operator')
    return null
  }
}

/** @returns the role that the probe runs as */
const takeRole = async (client: Queryable, role: string | undefined, user: string): Promise<string> => {
  try {
    if (role !== undefined) await client.query(`SET LOCAL ROLE ${escapeIdentifier(role)}`)
  } catch (error) {
    if (hasSqlState(error, SqlState.invalidParameterValue))
      throw new OperatorError('unknown_role', `there is no role ${role}`, { cause: error, sqlState: error.code })
    if (!hasSqlState(error, SqlState.insufficientPrivilege)) throw error
    throw new OperatorError('insufficient_privilege', `this role may not act as ${role}: ${error.message}`, {
      exitCode: ExitCode.unreachable,
      hint: [
        sql(`GRANT ${escapeIdentifier(role ?? '')} TO ${escapeIdentifier(user)}`, 'as a role that may grant it'),
        or(`connect as ${role ?? ''}`),
      ],
      sqlState: error.code,
      cause: error,
    })
  }
  return onlyRow(await client.query<{ user: string }>('SELECT current_user::text AS "user"')).user
}

// Country code 999 is unassigned, so no client has this phone.
const probePhone = (): string => `+999${(randomBytes(4).readUInt32BE() % 1_000_000_000).toString().padStart(9, '0')}`
