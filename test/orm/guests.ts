import { withStore } from '../support/chat.js'
import { expect, type TestDatabase } from '../support/database.js'

/** The application's own INSERT, as it was before the update. */
export const applicationWrites = (database: TestDatabase): Promise<unknown> =>
  database.query(
    `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text") VALUES (1, 'CLIENT', 'TEXT', 'from the application')`,
  )

/** A guest's message, through the store. */
export const guestWrites = (database: TestDatabase): Promise<void> =>
  withStore(database, async (store) => {
    const message = { senderType: 'CLIENT', messageType: 'TEXT', guestUsername: 'maria', text: 'hello' } as const
    expect((await store.saveChatMessage(message)).clientId).not.toBeNull()
  })

/** What is in chatkeep's own schema. */
export const ownTables = (database: TestDatabase): Promise<readonly unknown[]> =>
  database.query(
    `SELECT c.relname, c.reltuples >= -1 AS "there" FROM pg_class AS c WHERE c.relnamespace = 'chatkeep'::regnamespace ORDER BY 1`,
  )

/** The foreign key of messages to their clients. */
export const clientKey = async (database: TestDatabase): Promise<string> => {
  const [row] = await database.query<{ definition: string }>(
    `SELECT pg_get_constraintdef(oid) AS "definition" FROM pg_constraint
     WHERE conrelid = '"ChatMessage"'::regclass AND contype = 'f' AND confrelid = '"Client"'::regclass`,
  )
  return row?.definition ?? 'none'
}
