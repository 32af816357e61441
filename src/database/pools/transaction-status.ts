import type { EventEmitter } from 'node:events'
import type { ClientBase } from 'pg'
import { ExitCode, OperatorError } from '../../errors.js'
import { firstRow } from '../rows.js'
import { hasSqlState, SqlState } from '../sql-state.js'

/** What a client of node-postgres knows of its session; one of an earlier version, or of another kind, may lack each. */
interface Session {
  getTransactionStatus?(): string | null
  /** False while a statement runs or waits to be sent. */
  readonly readyForQuery?: boolean
  readonly connection?: EventEmitter
}

const sessionOf = (client: ClientBase): Session => client

/** The status of the server's last answer, of clients that do not keep it. */
const lastStatus = new WeakMap<EventEmitter, string>()
const watched = new WeakSet<EventEmitter>()

const watch = (connection: EventEmitter): void => {
  if (watched.has(connection)) return
  watched.add(connection)
  // With the listeners of the client, which settles the statement by this event.
  connection.prependListener('readyForQuery', ({ status }: { readonly status: string }) =>
    lastStatus.set(connection, status),
  )
}

/**
 * Whether the server's last answer came from inside a transaction, as each answer of the protocol tells: what a statement
 * of its own wrote is then not committed. Undefined where the client does not tell.
 */
export const answeredInTransaction = (client: ClientBase): boolean | undefined => {
  const { connection } = sessionOf(client)
  const status = sessionOf(client).getTransactionStatus?.() ?? (connection && lastStatus.get(connection))
  return status == null ? undefined : status !== 'I'
}

/**
 * Whether the next statement would be part of a transaction that is open already, or has failed. Undefined where the client
 * cannot know: at the first use of one that does not keep the status, and behind statements that nobody waited for.
 */
export const knownInTransaction = (client: ClientBase): boolean | undefined =>
  sessionOf(client).readyForQuery === false ? undefined : answeredInTransaction(client)

/** The same, with a round trip where the client cannot know. */
export const isInTransaction = async (client: ClientBase): Promise<boolean> => {
  const session = sessionOf(client)
  const known = knownInTransaction(client)
  if (known !== undefined) return known
  if (session.getTransactionStatus === undefined && session.connection !== undefined) watch(session.connection)
  try {
    const { isOpen } = firstRow(await client.query<{ isOpen: boolean }>(ASK))
    return answeredInTransaction(client) ?? isOpen
  } catch (error) {
    if (hasSqlState(error, SqlState.inFailedTransaction)) return true
    throw error
  }
}

// A statement without parameters begins with its transaction, unless that is an earlier one's.
const ASK = `SELECT pg_catalog.now() OPERATOR(pg_catalog.<>) pg_catalog.statement_timestamp() AS "isOpen"`

/** The application gave a connection back inside of a transaction: what is written there is not committed, and what is read is old. */
export const connectionInTransaction = (): OperatorError =>
  new OperatorError(
    'connection_in_transaction',
    'the free connections of the pool are inside of transactions that the application left open',
    {
      retryable: true,
      exitCode: ExitCode.busy,
      hint: 'end each transaction with COMMIT or ROLLBACK, and wait for that, before the connection goes back to the pool',
    },
  )
