import { withClient } from '../database/connection.js'
import { explainDatabaseError, isDatabaseUnavailable } from '../database/connection-error.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { queryTimeoutFor } from '../database/errors/statement-limit.js'
import { explainReadDenied } from '../database/read-denied.js'
import { SqlState } from '../database/sql-state.js'
import { inReadOnlySnapshot } from '../database/transaction.js'
import { readBlockingSessions, type BlockingSession } from '../database/waiting/blocking-sessions.js'
import { OperatorError } from '../errors.js'
import { refuseHiddenRows } from '../persistence/access/hidden-rows.js'
import { verifyDatabase } from '../verify/verify-database.js'
import type { VerifyReport } from '../verify/verify-report.js'
import { readChatActivity, type ChatActivity } from './chat-activity.js'
import type { ChatServer } from './chat-servers.js'
import { isKnown, type Reading } from './reading.js'
import { readServerActivity, type ServerActivity } from './server-activity.js'

/** What is known of a chat and its database at one moment. */
export interface Status {
  readonly at: Date
  /** Why the database could not be asked; undefined when it could. */
  readonly unreachable: OperatorError | undefined
  readonly server: Reading<ServerActivity & { readonly blocking: readonly BlockingSession[] }>
  readonly chat: Reading<ChatActivity>
  readonly update: Reading<VerifyReport>
  /** Those that were asked. */
  readonly chatServers: readonly ChatServer[]
}

export interface StatusOptions {
  /** Limit of each query. */
  readonly statementTimeoutMs: number
  readonly signal: AbortSignal
  /** URLs of chat servers. */
  readonly servers: readonly string[]
}

/** What the names of the sessions begin with that read a status, which is not about them. */
const OWN_SESSIONS = 'chatkeep status'

/** Short, because a reader waits: that a table is locked is an answer, too. */
const LOCK_TIMEOUT_MS = 300

/** Checks that count rows of a large table are left to verify. */
const ROW_QUERY_LIMIT_MS = 200

/**
 * Reads a status. What cannot be read is marked, with the reason, and never hides the rest.
 * @param readUpdate reads the verdict on the update
 * @throws the reason of the signal when it fires
 */
export const readStatus = async (
  target: ConnectionTarget,
  options: StatusOptions,
  readUpdate: () => Promise<Reading<VerifyReport>>,
): Promise<Status> => {
  const { signal, servers } = options
  const [database, update, chatServers] = await Promise.all([
    readDatabase(target, options).catch((error: unknown) => toUnreachable(error, signal)),
    readUpdate(),
    servers.length === 0 ? [] : import('./chat-servers.js').then(({ askServers }) => askServers(servers, signal)),
  ])
  if ('server' in database)
    return { ...database, at: readAt(database.server), unreachable: undefined, update, chatServers }
  const unknown = { unknown: 'the database cannot be asked', error: undefined }
  return { at: new Date(), unreachable: database, server: unknown, chat: unknown, update: unknown, chatServers }
}

/** Reads whether the update is complete, as `chatkeep verify` does. */
export const readUpdate = (
  target: ConnectionTarget,
  { statementTimeoutMs, signal }: StatusOptions,
): Promise<Reading<VerifyReport>> =>
  reading(target, signal, () =>
    verifyDatabase(target, {
      expectation: 'migrated',
      failOn: 'error',
      statementTimeoutMs,
      rowQueryLimitMs: ROW_QUERY_LIMIT_MS,
      signal,
      applicationName: OWN_SESSIONS,
      onWait: () => undefined,
    }),
  )

const readDatabase = (
  target: ConnectionTarget,
  { statementTimeoutMs, signal }: StatusOptions,
): Promise<Pick<Status, 'server' | 'chat'>> => {
  const queryTimeoutMs = queryTimeoutFor(statementTimeoutMs)
  const session = { applicationName: OWN_SESSIONS, signal, statementTimeoutMs, queryTimeoutMs }
  const schema = target.schema ?? 'public'
  return withClient(target, session, async (client) => {
    const inSnapshot = async <T>(read: () => Promise<T>): Promise<Reading<T>> => {
      const part = await reading(target, signal, () =>
        inReadOnlySnapshot(client, { statementTimeoutMs, lockTimeoutMs: LOCK_TIMEOUT_MS }, read),
      )
      // The session is gone, and so is everything else that it could say.
      if (!isKnown(part) && isDatabaseUnavailable(part.error)) throw part.error
      return part
    }
    const server = await inSnapshot(async () => ({
      ...(await readServerActivity(client, OWN_SESSIONS)),
      blocking: await readBlockingSessions(client, schema, OWN_SESSIONS),
    }))
    const chat = await inSnapshot(async () => {
      await refuseHiddenRows(client, schema)
      return readChatActivity(client, schema).catch((error: unknown) => {
        throw explainReadDenied(error, { user: target.role ?? target.user, tables: [[schema, 'ChatMessage']] })
      })
    })
    return { server, chat }
  })
}

// The ages in it are measured by the server's clock.
const readAt = (server: Status['server']): Date => (isKnown(server) ? server.value.now : new Date())

const toUnreachable = (error: unknown, signal: AbortSignal): OperatorError => {
  signal.throwIfAborted()
  if (error instanceof OperatorError) return error
  throw error
}

const reading = async <T>(
  target: ConnectionTarget,
  signal: AbortSignal,
  read: () => Promise<T>,
): Promise<Reading<T>> => {
  try {
    return { value: await read() }
  } catch (error) {
    signal.throwIfAborted()
    const explained = explainDatabaseError(error, target)
    if (!(explained instanceof OperatorError)) throw error
    return { unknown: inShort(explained), error: explained }
  }
}

const inShort = ({ sqlState, message }: OperatorError): string => SHORT[sqlState ?? ''] ?? message

const SHORT: Readonly<Record<string, string>> = {
  [SqlState.lockNotAvailable]: 'a table is locked',
  [SqlState.insufficientPrivilege]: 'this role may not read it',
  [SqlState.queryCanceled]: 'the query took too long',
  [SqlState.undefinedTable]: 'the tables of the chat are missing',
  [SqlState.undefinedColumn]: 'the columns of the guest update are missing',
}
