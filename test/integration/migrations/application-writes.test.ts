import { migrated, on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'

const EVERY_WRITE = `
  INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType") SELECT min("id"), 'CLIENT', 'TEXT' FROM "Client";
  INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('ana', 'CLIENT', 'TEXT');
  UPDATE "ChatMessage" SET "clientId" = (SELECT max("id") FROM "Client"), "createdAt" = "createdAt" - interval '1 day';
  DELETE FROM "ChatMessage" WHERE "guestUsername" = 'ana'`

/** Change-data-capture tools publish every table of a database or schema. */
const PUBLISH = 'CREATE PUBLICATION everything FOR ALL TABLES'

describe('every write of the application succeeds', () => {
  test('in a publication that was there before the update', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(PUBLISH)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    await database.load(EVERY_WRITE)
  })

  test.for([
    ['a publication of all tables', PUBLISH],
    [
      'a tool that drops the tables that it does not know',
      `DO $$ DECLARE t regclass; BEGIN
         FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND (relname LIKE 'chatkeep%' OR relname = 'migrations') LOOP
           EXECUTE format('DROP TABLE %s CASCADE', t);
         END LOOP;
       END $$`,
    ],
    [
      'a tool that drops the indexes that it does not know',
      `DO $$ DECLARE i regclass; BEGIN
         FOR i IN SELECT indexrelid FROM pg_index WHERE indrelid = '"ChatMessage"'::regclass AND NOT indisprimary LOOP
           EXECUTE format('DROP INDEX %s', i);
         END LOOP;
       END $$`,
    ],
  ])('after %s', async ([, change], { database }) => {
    await migrated(database, 'crm-before')
    await database.load(`${change}; ${EVERY_WRITE}`)
    expect(await database.query(`SELECT FROM "ChatMessage" WHERE "guestUsername" = 'ana'`)).toEqual([])
  })
})
