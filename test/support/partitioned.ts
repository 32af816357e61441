import type { TestDatabase } from './database.js'
import { loadFixture } from './fixtures.js'

// One month has partitions of its own; what no month holds is in the default partition.
const PARTITIONED = `
  CREATE TABLE "partitioned" (LIKE "ChatMessage" INCLUDING DEFAULTS) PARTITION BY RANGE ("createdAt");
  ALTER SEQUENCE "ChatMessage_id_seq" OWNED BY NONE;
  DROP TABLE "ChatMessage" CASCADE;
  ALTER TABLE "partitioned" RENAME TO "ChatMessage";
  ALTER SEQUENCE "ChatMessage_id_seq" OWNED BY "ChatMessage"."id";
  ALTER TABLE "ChatMessage" ADD PRIMARY KEY ("id", "createdAt"),
    ADD FOREIGN KEY ("clientId") REFERENCES "Client" ON UPDATE CASCADE ON DELETE RESTRICT,
    ADD FOREIGN KEY ("operatorId") REFERENCES "User" ON UPDATE CASCADE ON DELETE SET NULL;
  CREATE INDEX ON "ChatMessage" ("clientId", "createdAt");
  CREATE INDEX ON "ChatMessage" ("sessionId", "createdAt");
  CREATE INDEX ON "ChatMessage" ("operatorId", "createdAt");
  CREATE SCHEMA "parts";
  CREATE TABLE "parts"."ChatMessage_2026_01" PARTITION OF "ChatMessage" FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
  CREATE TABLE "parts"."ChatMessage_2026_02" PARTITION OF "ChatMessage" FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
  CREATE TABLE "parts"."ChatMessage_2026_03" PARTITION OF "ChatMessage" FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')
    PARTITION BY RANGE ("createdAt");
  CREATE TABLE "parts"."ChatMessage_2026_03a" PARTITION OF "parts"."ChatMessage_2026_03" FOR VALUES FROM ('2026-03-01') TO ('2026-03-16');
  CREATE TABLE "parts"."ChatMessage_2026_03b" PARTITION OF "parts"."ChatMessage_2026_03" DEFAULT;
  CREATE TABLE "parts"."ChatMessage_default" PARTITION OF "ChatMessage" DEFAULT;`

const MESSAGES = `
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "operatorId", "messageType", "text", "sessionId")
  SELECT timestamp '2026-01-01' + i * interval '4 hours', 1 + i % 60,
    CASE i % 3 WHEN 0 THEN 'OPERATOR' ELSE 'CLIENT' END::"MessageSenderType",
    CASE i % 3 WHEN 0 THEN 1 END, 'TEXT', 'message ' || i, 'session ' || i % 60
  FROM generate_series(0, 599) AS i`

/** Makes the CRM's table of messages a partitioned one, with 600 messages in all of its partitions. */
export const loadPartitioned = async (database: TestDatabase): Promise<void> => {
  await loadFixture(database, 'crm-before')
  await partition(database)
  await database.load(MESSAGES)
}

/** Replaces the table of messages, whatever its columns, by an empty one that is partitioned. */
export const partition = (database: TestDatabase): Promise<void> => database.load(PARTITIONED)
