import type { Queryable } from './connection.js'
import { pinTransaction, type Pins } from './pinned-settings.js'
import { BEGIN, inTransaction } from './transaction.js'

/** The statements, for a transaction, with which a locked table is an error instead of a wait without an end. */
export const limitLocks = (pins: Pins): string => `${pinTransaction(pins)}; SET LOCAL lock_timeout = 5000`

/** Runs each statement in a transaction of its own, in which a pooler keeps the settings. */
export const withLockLimit = (client: Queryable, pins: Pins): Queryable => ({
  // Only this overload is used.
  query: ((text: string, values?: unknown[]) =>
    inTransaction(client, () => client.query(text, values), `${BEGIN}; ${limitLocks(pins)}`)) as Queryable['query'],
})
