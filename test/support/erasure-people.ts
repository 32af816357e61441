import { migrated } from './chat.js'
import type { TestDatabase } from './database.js'

/** Ada, registered, and Bea, a guest: 300 messages each; a message under Ada's name by somebody unverified, one without client. */
export const loadPeople = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await database.load(`
    INSERT INTO "Client" ("username", "phone", "updatedAt") VALUES ('ada', '+1', now()), ('bea', NULL, now()), ('eve', '+3', now());
    INSERT INTO "chatkeep"."guest_clients" VALUES (2);
    INSERT INTO "ChatMessage" ("clientId", "guestUsername", "guestPhone", "senderType", "messageType", "text", "idempotencyKey")
    SELECT 1 + n % 2, CASE n % 2 WHEN 1 THEN 'bea' END, CASE n WHEN 1 THEN '+2' END,
      CASE WHEN n % 3 = 0 THEN 'OPERATOR' ELSE 'CLIENT' END::"MessageSenderType", 'TEXT', 'secret', 'key ' || n
    FROM generate_series(1, 600) AS n;
    INSERT INTO "ChatMessage" ("clientId", "guestUsername", "guestPhone", "guestUnverified", "senderType", "messageType", "text") VALUES
      (1, 'ada', NULL, true, 'CLIENT', 'TEXT', 'secret'), (NULL, 'ada', NULL, false, 'CLIENT', 'TEXT', 'secret'),
      (NULL, 'unlinked', '+2', false, 'CLIENT', 'TEXT', 'secret'), (NULL, 'unlinked', NULL, false, 'OPERATOR', 'TEXT', 'secret'),
      (3, 'eve', '+2', true, 'CLIENT', 'TEXT', 'under a registered name'), (3, NULL, NULL, false, 'CLIENT', 'TEXT', 'of eve')`)
}

/** What is left of them. */
export const peopleLeft = async (database: TestDatabase): Promise<Record<string, unknown>> => {
  const [row] = await database.query(`
    SELECT (SELECT count(*)::integer FROM "ChatMessage") AS messages,
      ARRAY(SELECT "username"::text FROM "Client" ORDER BY 1) AS clients,
      (SELECT count(*)::integer FROM "chatkeep"."guest_clients") AS guests`)
  return row ?? {}
}
