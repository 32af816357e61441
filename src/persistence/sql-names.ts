import type { Queryable } from '../database/connection.js'
import { qualified } from '../database/identifier.js'
import type { PreparedStatements } from '../database/prepared.js'

/** The names of the application's tables and types in one schema, ready to be put into SQL. */
export interface Names {
  readonly client: string
  readonly message: string
  readonly user: string
  readonly senderType: string
  readonly messageType: string
  /** Which clients were made of guests. */
  readonly guestClients: string
  /** Which chat was active when. */
  readonly chats: string
}

export const namesIn = (schema: string): Names => ({
  client: qualified(schema, 'Client'),
  message: qualified(schema, 'ChatMessage'),
  user: qualified(schema, 'User'),
  senderType: qualified(schema, 'MessageSenderType'),
  messageType: qualified(schema, 'MessageType'),
  guestClients: qualified(schema, 'chatkeep_guest_clients'),
  chats: qualified(schema, 'chatkeep_chats'),
})

/** Where is read: a pool or connection, the names of the tables there, and the statements that are prepared on it. */
export interface ReadSession {
  readonly db: Queryable
  readonly names: Names
  readonly statements: PreparedStatements
}

/** Once a batch has waited for somebody's row: many may be held, and finding out which must not cost the others a full wait for each. */
export const SHORT_LOCK_TIMEOUT_MS = 10

/** The present instant as the application stores instants: UTC in a `timestamp` column, whatever the session's zone. */
export const UTC_NOW = `(now() AT TIME ZONE 'UTC')`

/** The ten seconds in which an instant is, as the list of chats has it: what `chatkeep_period` of the migrations computes. */
export const periodOf = (instant: string): string => `date_bin('10 seconds', ${instant}, timestamp '2000-01-01')`
