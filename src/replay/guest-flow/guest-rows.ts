import type { Queryable } from '../../database/connection.js'
import { fromPrimary } from '../../database/proxies/standby-reads.js'
import { inTransaction } from '../../database/transaction.js'
import { toId, toIdOrNull, type StoredId, type WithStoredIds } from '../../persistence/ids/ids.js'
import { namesIn, type Names } from '../../persistence/sql-names.js'

/** The rows of one guest's name. */
export interface GuestRows {
  readonly clientIds: readonly number[]
  /** In the order in which they were saved. */
  readonly messages: readonly GuestMessage[]
}

export interface GuestMessage {
  readonly id: number
  readonly clientId: number | null
  readonly guestUsername: string
  readonly text: string | null
}

export interface RemovedRows {
  readonly messages: number
  readonly clients: number
}

/** Reads and removes the rows of a scenario's guests. */
export interface GuestTables {
  read(username: string): Promise<GuestRows>
  /** Removes the clients with these names, and the messages of these clients, names and conversations, in one transaction. */
  remove(usernames: readonly string[], conversations: readonly string[]): Promise<RemovedRows>
}

export const createGuestTables = (client: Queryable, schema: string): GuestTables => {
  const names = namesIn(schema)
  return {
    read: async (username) => {
      const primary = fromPrimary(client)
      const clients = await primary.query<{ id: StoredId }>(
        `SELECT "id" FROM ${names.client} WHERE "username"::text = $1 ORDER BY "id"`,
        [username],
      )
      const messages = await primary.query<WithStoredIds<GuestMessage, 'id' | 'clientId'>>(
        `SELECT "id", "clientId", "guestUsername", "text" FROM ${names.message} WHERE "guestUsername"::text = $1 ORDER BY "createdAt", "id"`,
        [username],
      )
      return {
        clientIds: clients.rows.map(({ id }) => toId(id)),
        messages: messages.rows.map((row) => ({ ...row, id: toId(row.id), clientId: toIdOrNull(row.clientId) })),
      }
    },
    remove: (usernames, conversations) =>
      inTransaction(client, async () => {
        const messages = await client.query(removeMessagesSql(names), [usernames, conversations])
        const clients = await client.query(removeClientsSql(names), [usernames])
        return { messages: messages.rowCount ?? 0, clients: clients.rowCount ?? 0 }
      }),
  }
}

// A message that lost its name or its client is found by the other. Each by its index; one condition with OR would read all.
const removeMessagesSql = ({ message, client }: Names): string => `
  DELETE FROM ${message}
  WHERE "id" IN (
    SELECT "id" FROM ${message} WHERE "guestUsername"::text = ANY ($1::text[])
    UNION ALL
    SELECT "id" FROM ${message} WHERE "sessionId"::text = ANY ($2::text[])
    UNION ALL
    SELECT "id" FROM ${message}
    WHERE "clientId" IN (SELECT "id" FROM ${client} WHERE "username"::text = ANY ($1::text[]))
  )`

const removeClientsSql = ({ client }: Names): string => `
  DELETE FROM ${client}
  WHERE "username"::text = ANY ($1::text[])`
