import { createChatStore } from '../../../src/index.js'
import { migrated } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'

// The last message takes a minute to be changed, and any to be deleted while the second trigger is enabled.
const LOAD = `
  INSERT INTO "Client" ("id", "username", "updatedAt") VALUES (1, 'ada', now()), (2, 'bea', now());
  INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "createdAt")
  SELECT 1, 'CLIENT', 'TEXT', CASE n WHEN 1100 THEN 'slow' ELSE 'quick' END, timestamp '2025-06-01' + n * interval '1 minute'
  FROM generate_series(1, 1100) AS n;
  CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(60); RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; END $$;
  CREATE TRIGGER slow BEFORE UPDATE OR DELETE ON "ChatMessage"
    FOR EACH ROW WHEN (OLD."text" = 'slow') EXECUTE FUNCTION slow();
  CREATE TRIGGER all_slow BEFORE DELETE ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION slow();
  ALTER TABLE "ChatMessage" DISABLE TRIGGER all_slow`

const late = (done: string) => ({
  name: 'StoreUnavailable',
  code: 'database_unavailable',
  retryable: true,
  message: 'the database is unavailable: it did not answer in time',
  details: [`state: at least ${done}; the same call continues where it stopped`],
})

test('a batch that does not end in time: the error says so, and how much was done before', async ({ database }) => {
  await migrated(database)
  await database.load(LOAD)
  await using store = createChatStore({ databaseUrl: database.url }, { deadlineMs: 2_000 })
  const merge = { from: 1, into: 2 }
  await expect(store.mergeClients(merge)).rejects.toMatchObject(late('1,000 messages are moved'))
  const onProgress = () => database.load('ALTER TABLE "ChatMessage" ENABLE TRIGGER all_slow')
  const deletions = [
    () => store.eraseContact({ clientIds: [1] }, { batchSize: 50, onProgress }),
    () => store.deleteMessagesBefore(new Date('2026-01-01'), { batchSize: 50, onProgress }),
  ]
  for (const call of deletions) {
    await database.load('ALTER TABLE "ChatMessage" DISABLE TRIGGER ALL')
    await expect(call()).rejects.toMatchObject(late('50 messages are deleted'))
  }
  await database.load('ALTER TABLE "ChatMessage" DISABLE TRIGGER ALL')
  expect(await store.deleteMessagesBefore(new Date('2026-01-01'))).toBe(1_000)
})
