import { migrated, on } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'

const GUESTS = `SELECT "text", "clientId", "guestUsername", "guestPhone", "idempotencyKey" FROM "ChatMessage"
  WHERE "idempotencyKey" LIKE 'key %' ORDER BY "text"`

test.for([
  ['returns NULL', 'RETURN NULL'],
  ['returns OLD', 'RETURN OLD'],
  ['puts the name back', 'NEW."guestUsername" := OLD."guestUsername"; RETURN NEW'],
  ['puts the client back', 'NEW."clientId" := OLD."clientId"; RETURN NEW'],
] as const)('a migrate loses nothing of the archive to a trigger that %s', async ([, body], { database }) => {
  await loadFixture(database, 'crm-before')
  await database.query('DELETE FROM "ChatMessage" WHERE "id" > 20')
  await migrated(database)
  await database.load(`
    INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "guestUsername", "guestPhone", "idempotencyKey")
    VALUES (1, 'CLIENT', 'TEXT', 'linked', 'client1', '+1', 'key 1'), (NULL, 'CLIENT', 'TEXT', 'waiting', 'wanda', '+2', 'key 2')`)
  const before = await database.query(GUESTS)
  expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
  await database.load(`
    CREATE FUNCTION "protect"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; END $$;
    CREATE TRIGGER "protect" BEFORE UPDATE ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION "protect"()`)
  const { exitCode, stderr } = await on(database, 'migrate')
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/unchanged: a trigger keeps rows of .*"ChatMessage"/)])
  expect(stderr).toContain('BEFORE UPDATE trigger protect')
  await database.query('DROP TRIGGER "protect" ON "ChatMessage"')
  const again = await on(database, 'migrate')
  expect(again.exitCode, again.stderr).toBe(0)
  expect(await database.query(GUESTS)).toEqual(before)
})
