import { migrated, on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { findingsOf, verify } from '../../support/findings.js'
import { loadFixture } from '../../support/fixtures.js'

const EVERY_WRITE = `
  INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType") SELECT min("id"), 'CLIENT', 'TEXT' FROM "Client";
  INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType") VALUES ('ana', 'CLIENT', 'TEXT');
  UPDATE "ChatMessage" SET "clientId" = (SELECT max("id") FROM "Client"), "createdAt" = "createdAt" - interval '1 day';
  DELETE FROM "ChatMessage" WHERE "guestUsername" = 'ana'`

/** Change-data-capture tools publish every table of a database or schema. */
const PUBLISH = 'CREATE PUBLICATION everything FOR ALL TABLES'

/** From PostgreSQL 15 on; before, the same as all tables. */
const PUBLISH_SCHEMA = `
  DO $$ BEGIN
    IF current_setting('server_version_num')::integer >= 150000 THEN
      EXECUTE 'CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA public';
    ELSE
      EXECUTE 'CREATE PUBLICATION of_schema FOR ALL TABLES';
    END IF;
  END $$`

describe('every write of the application succeeds', () => {
  test.for([
    ['all tables', PUBLISH],
    ['a schema', PUBLISH_SCHEMA],
  ])('in a publication of %s that was there before the update', async ([, publish = ''], { database }) => {
    await loadFixture(database, 'crm-before')
    await database.load(publish)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    await database.load(EVERY_WRITE)
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
  })

  test.for([
    ['a publication of all tables', PUBLISH],
    ['a publication of the schema', PUBLISH_SCHEMA],
    ["chatkeep's schema is gone, as after a restore without it", 'DROP SCHEMA chatkeep CASCADE'],
    ["chatkeep's tables are gone", 'DROP TABLE chatkeep.migrations, chatkeep.runs, chatkeep.guest_clients CASCADE'],
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
    // What is missing is made again, by one command.
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(findingsOf(await verify(database))).toEqual([])
  })
})
