import type { ClientBase } from 'pg'
import { commitBarrier } from '../../database/durability/commit-barrier.js'
import { noticeCommit } from '../../database/durability/commit-notice.js'
import { DURABLE_COMMIT } from '../../database/durability/durable-commit.js'
import { shown } from '../../check-options.js'
import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { BEGIN, inTransaction } from '../../database/transaction.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { sql } from '../../next-step.js'
import { InvalidCall } from '../errors.js'
import { ID_RANGE, isId } from '../ids/ids.js'
import type { Names } from '../sql-names.js'

/** What a change is made with. */
export interface ChangeSession {
  readonly names: Names
  /** Of the application's tables. */
  readonly schema: string
  /** Runs a transaction as `inChange` does, on a connection of its own, until it succeeds or the deadline passes. */
  readonly inChange: <T>(needs: readonly Need[], work: (client: ClientBase) => Promise<T>) => Promise<T>
}

/** @throws InvalidCall `invalid_contact` */
export const checkClientId = (name: string, id: unknown): void => {
  if (!isId(id)) throw new InvalidCall('invalid_contact', `${name} ${shown(id)}, but ${ID_RANGE}`)
}

/** A table, and what the role needs there. */
export interface Need {
  readonly schema: string
  readonly table: string
  readonly privileges: readonly string[]
}

/** Another session's lock: the call is repeated until its deadline, and nobody waits behind it for long meanwhile. */
export const LOCK_TIMEOUT_MS = 250

/**
 * Runs one transaction of a change, and returns when its commit is as durable as the server promises.
 * @throws OperatorError `privilege_missing`, with the GRANT, where the role may not do it
 */
export const inChange = async <T>(client: ClientBase, needs: readonly Need[], work: () => Promise<T>): Promise<T> => {
  try {
    const { result, isUnconfirmed } = await noticeCommit(client, () =>
      inTransaction(
        client,
        async () => {
          await client.query(
            `SELECT ${DURABLE_COMMIT} AND set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true) <> ''`,
          )
          return work()
        },
        BEGIN,
      ),
    )
    if (isUnconfirmed) await commitBarrier(client)
    return result
  } catch (error) {
    if (!hasSqlState(error, SqlState.insufficientPrivilege)) throw error
    throw (await missingRights(client, needs, error)) ?? error
  }
}

// By the catalog: a look-up by name fails where the role may not use the schema.
const SELECT_MISSING = `
  SELECT current_user::text AS "role", n."schema", n."table", n."privilege",
    NOT pg_catalog.has_schema_privilege(s.oid, 'USAGE') AS "isClosed"
  FROM json_to_recordset($1::json) AS n ("schema" text, "table" text, "privilege" text)
  JOIN pg_catalog.pg_namespace AS s ON s.nspname = n."schema"
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = s.oid AND c.relname = n."table"
  WHERE NOT pg_catalog.has_schema_privilege(s.oid, 'USAGE')
    OR NOT (CASE n."privilege" WHEN 'DELETE' THEN pg_catalog.has_table_privilege(c.oid, 'DELETE')
      ELSE pg_catalog.has_any_column_privilege(c.oid, n."privilege") END)`

interface MissingRight {
  readonly role: string
  readonly schema: string
  readonly table: string
  readonly privilege: string
  readonly isClosed: boolean
}

const missingRights = async (
  client: ClientBase,
  needs: readonly Need[],
  cause: unknown,
): Promise<OperatorError | undefined> => {
  const wanted = needs.flatMap(({ schema, table, privileges }) =>
    privileges.map((privilege) => ({ schema, table, privilege })),
  )
  const { rows } = await client.query<MissingRight>(SELECT_MISSING, [JSON.stringify(wanted)])
  const [first] = rows
  if (first === undefined) return undefined
  const role = escapeIdentifier(first.role)
  const closed = [...new Set(rows.filter(({ isClosed }) => isClosed).map(({ schema }) => escapeIdentifier(schema)))]
  const objects = [
    ...closed.map((schema) => ({ privileges: 'USAGE', on: `SCHEMA ${schema}`, words: `schema ${schema}` })),
    ...needs.flatMap(({ schema, table }) => {
      const lacking = rows.filter((row) => row.schema === schema && row.table === table)
      const name = qualified(schema, table)
      const privileges = lacking.map(({ privilege }) => privilege).join(', ')
      return privileges === '' ? [] : [{ privileges, on: name, words: `table ${name}` }]
    }),
  ]
  return new OperatorError('privilege_missing', `the role ${first.role} cannot do this; it lacks:`, {
    details: objects.map(({ privileges, words }) => `${privileges} on ${words}`),
    sqlState: SqlState.insufficientPrivilege,
    exitCode: ExitCode.unreachable,
    hint: sql(objects.map(({ privileges, on }) => `GRANT ${privileges} ON ${on} TO ${role}`)),
    cause,
  })
}
