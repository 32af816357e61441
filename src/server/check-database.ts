import type { Queryable } from '../database/connection.js'
import { explainDatabaseError } from '../database/connection-error.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import {
  charactersIn,
  consequenceOf,
  moveToUtf8,
  readEncoding,
  type DatabaseEncoding,
} from '../database/encoding/encoding.js'
import { refuseReadOnly } from '../database/read-only.js'
import { onlyRow } from '../database/rows.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { withLockLimit } from '../database/lock-limit.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'
import { ExitCode, OperatorError } from '../errors.js'
import { createChatStore } from '../persistence/chat-store.js'
import { explainMissingSchema, SchemaNotReady, StoreUnavailable } from '../persistence/errors.js'
import { keyIndexTrouble, readKeyIndexes } from '../persistence/key-index.js'
import { namesIn } from '../persistence/sql-names.js'
import { missingPrivileges, NEEDED, readRoleAccess, type RoleAccess } from '../persistence/access/role-access.js'
import {
  BASE_COLUMNS,
  CLIENT_ID,
  columnName,
  findColumn,
  GUEST_UNVERIFIED,
  unfilledColumns,
} from '../persistence/shape.js'
import { readColumns } from '../database/catalog.js'
import { chatkeep, sql } from '../next-step.js'

/** A name that no conversation has. */
const NO_CONVERSATION = '-'

const QUERY_TIMEOUT_MS = 10_000

/** What it reads of the catalog is found by name; the policies of row-level security hold as for the application. */
const PINS = 'text'

/** A finding that does not prevent the start. */
export type DatabaseWarning = 'fsync_off' | 'rows_hidden' | 'encoding_unchecked'

/**
 * Checks, without retries, that the database answers, has what the core needs, and grants this role what it needs.
 * Takes no locks that block writers; its cost does not depend on the size of the database.
 * @throws OperatorError naming the database when it is unreachable or read-only, `encoding_not_utf8` or `privilege_missing`; SchemaNotReady
 * when it was not migrated, or lacks the unique index that prevents duplicates
 */
export const checkDatabase = async (
  target: ConnectionTarget,
  applicationName: string,
): Promise<readonly DatabaseWarning[]> => {
  const store = createChatStore({ target }, { applicationName, deadlineMs: 0 })
  try {
    const session = { applicationName, queryTimeoutMs: QUERY_TIMEOUT_MS, pins: PINS } as const
    // First, because it says best why a session cannot begin.
    return await withWatchedClient(
      target,
      session,
      { showQueries: false, onEvent: () => undefined },
      async (watched) => {
        const client = withLockLimit(watched, PINS)
        const schema = target.schema ?? 'public'
        await refuseMissingSchema(client, schema)
        await refuseReadOnly(client)
        const { encoding } = await refuseEncoding(client)
        await readNothing(client, schema)
        await store.getChatHistory({ sessionId: NO_CONVERSATION, limit: 1 })
        const warnings = await checkPrerequisites(client, schema)
        return charactersIn(encoding) === 'unchecked' ? [...warnings, 'encoding_unchecked'] : warnings
      },
    )
  } catch (error) {
    throw explainDatabaseError(error instanceof StoreUnavailable ? error.cause : error, target)
  } finally {
    await store.close()
  }
}

// A server that refuses messages for their characters does not keep every message.
const refuseEncoding = async (client: Queryable): Promise<DatabaseEncoding> => {
  const found = await readEncoding(client)
  const { database, encoding } = found
  if (charactersIn(encoding) !== 'some refused') return found
  throw new OperatorError(
    'encoding_not_utf8',
    `${database} is encoded in ${encoding}, not in UTF8: ${consequenceOf(encoding)}`,
    { exitCode: ExitCode.no, hint: moveToUtf8(found) },
  )
}

const checkPrerequisites = async (client: Queryable, schema: string): Promise<readonly DatabaseWarning[]> => {
  await checkColumns(client, schema)
  const trouble = keyIndexTrouble(await readKeyIndexes(client, schema))
  if (trouble !== undefined) throw new SchemaNotReady(trouble, undefined)
  const { user, fsync } = onlyRow(await client.query<Session>(SELECT_SESSION))
  const access = await readRoleAccess(client, schema, user)
  if (access !== undefined) checkAccess(access, schema)
  return [
    ...(fsync === 'off' ? (['fsync_off'] as const) : []),
    ...(isRestricted(access) ? (['rows_hidden'] as const) : []),
  ]
}

/** The columns that the core writes and a look at the history does not touch. */
const checkColumns = async (client: Queryable, schema: string): Promise<void> => {
  const tables = Object.keys(NEEDED)
  const columns = await readColumns(client, schema, tables)
  const wanted = [...BASE_COLUMNS, CLIENT_ID, GUEST_UNVERIFIED].filter(({ table }) => tables.includes(table))
  const missing = wanted.filter(({ table, column }) => findColumn({ columns }, table, column) === undefined)
  const required = columns.find(({ table, column }) => table === 'ChatMessage' && column === 'clientId')
  const troubles = [
    ...missing.map((column) => `there is no column ${columnName(column)}`),
    ...(required?.nullable === false ? [`${columnName(required)} is NOT NULL`] : []),
    ...unfilledColumns({ columns })
      .filter(({ table }) => table === 'ChatMessage')
      .map((column) => `${columnName(column)} is NOT NULL without default`),
  ]
  if (troubles.length > 0) throw new SchemaNotReady(troubles.join(', '), undefined, chatkeep('verify'))
}

// The store would wait for a locked table until its time is up.
const readNothing = async (client: Queryable, schema: string): Promise<void> => {
  try {
    await client.query(`SELECT FROM ${namesIn(schema).message} LIMIT 0`)
  } catch (error) {
    throw explainMissingSchema(error)
  }
}

interface Session {
  readonly user: string
  readonly fsync: string
}

const SELECT_SESSION = `SELECT current_user::text AS "user", pg_catalog.current_setting('fsync') AS "fsync"`

const isRestricted = (access: RoleAccess | undefined): boolean =>
  access?.tables.some(({ table, restricted }) => NEEDED[table]?.some((command) => restricted.includes(command))) ===
  true

const checkAccess = (access: RoleAccess, schema: string): void => {
  const absent = Object.keys(NEEDED).find((name) => !access.tables.some(({ table }) => table === name))
  if (absent !== undefined) throw new SchemaNotReady(`there is no table "${absent}"`, undefined)
  const missing = missingPrivileges(access, schema)
  if (missing.length === 0) return
  throw new OperatorError('privilege_missing', `the role ${access.role} cannot store messages; it lacks:`, {
    details: missing.map(({ object, privileges }) => `${privileges} on ${object}`),
    exitCode: ExitCode.unreachable,
    hint: sql(missing.map(({ grant }) => grant)),
  })
}
