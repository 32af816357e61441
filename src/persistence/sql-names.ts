import type { Queryable } from '../database/connection.js'
import { qualified } from '../database/identifier.js'
import { ownNamesFor } from './own-names.js'
import type { PreparedStatements } from '../database/prepared.js'

/** The qualified names of tables and types in one schema, quoted for SQL. */
export interface Names {
  readonly client: string
  readonly message: string
  readonly user: string
  readonly senderType: string
  readonly messageType: string
  /** The clients that were created from guests. */
  readonly guestClients: string
  readonly clientAliases: string
  readonly mergedClients: string
  readonly movedMessages: string
  readonly changedMessages: string
  readonly wantedClients: string
  /** The idempotency keys of a partitioned table of messages. */
  readonly messageKeys: string
}

export const namesIn = (schema: string): Names => {
  const { guestClients, clientAliases, mergedClients, movedMessages, changedMessages, wantedClients, messageKeys } =
    ownNamesFor(schema)
  return {
    client: qualified(schema, 'Client'),
    message: qualified(schema, 'ChatMessage'),
    user: qualified(schema, 'User'),
    senderType: qualified(schema, 'MessageSenderType'),
    messageType: qualified(schema, 'MessageType'),
    guestClients,
    clientAliases,
    mergedClients,
    movedMessages,
    changedMessages,
    wantedClients,
    messageKeys,
  }
}

/** What a query is made with: a pool or connection, the names of the tables, and its prepared statements. */
export interface ReadSession {
  readonly db: Queryable
  readonly names: Names
  readonly statements: PreparedStatements
}

/** Lock time-out of a batch that already waited for a row: several rows may be locked, and each would cost the others a full wait. */
export const SHORT_LOCK_TIMEOUT_MS = 10

/** The current time as the application stores it: UTC in a `timestamp` column, whatever the session's time zone. */
export const UTC_NOW = `(now() AT TIME ZONE 'UTC')`

/**
 * SQL for a message without client, as the predicate of the indexes of such messages has it. Without IS TRUE the planner
 * prefers an index that starts with "clientId" as long as its statistics say that no message is without client, and reads
 * all of them, however many there are by then.
 */
export const UNLINKED = `("clientId" IS NULL) IS TRUE`

/** The same, as the predicate of their index by hours: so the planner cannot take that index to look up a guest's name. */
export const UNLINKED_BY_HOUR = `("clientId" IS NULL) IS NOT FALSE`

/** SQL for an unread message from the client's side, as the predicate of the index of unread messages has it. */
export const UNREAD = `NOT "isRead" AND "senderType" OPERATOR(pg_catalog.=) 'CLIENT'`

/** The characters that JavaScript's `trim` removes, as the core does with a guest's name. */
export const WHITE_SPACE = [
  String.raw`E'\t\n\u000b\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a`,
  String.raw`\u2028\u2029\u202f\u205f\u3000\ufeff'`,
].join('')

/** What `toUsername` makes of a text, as SQL. The server composes names only in a database in UTF8. */
export const usernameSql = (text: string): string => `pg_catalog.btrim(normalize((${text})::text), ${WHITE_SPACE})`
