import type { Queryable } from './connection.js'
import { inTransaction } from './transaction.js'

/** The statement, for a transaction, with which a locked table is an error instead of a wait without an end. */
export const LOCK_LIMIT = 'SET LOCAL lock_timeout = 5000'

/** Runs each statement in a transaction of its own, in which a pooler keeps the lock time-out. */
export const withLockLimit = (client: Queryable): Queryable => ({
  // Only this overload is used.
  query: ((text: string, values?: unknown[]) =>
    inTransaction(client, () => client.query(text, values), `BEGIN; ${LOCK_LIMIT}`)) as Queryable['query'],
})
