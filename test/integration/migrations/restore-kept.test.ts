import { migrated, on } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'

const GUESTS = `SELECT "text", "clientId", "guestUsername", "guestPhone", "idempotencyKey" FROM "ChatMessage"
  WHERE "idempotencyKey" LIKE 'key %' ORDER BY "text"`

test.for([
  ['returns NULL', 'UPDATE', 'RETURN NULL', '3 messages are unchanged'],
  ['returns OLD', 'UPDATE', 'RETURN OLD', '2 messages are unchanged'],
  [
    'puts the name back',
    'UPDATE',
    'NEW."guestUsername" := OLD."guestUsername"; RETURN NEW',
    '2 messages are unchanged',
  ],
  ['puts the client back', 'UPDATE', 'NEW."clientId" := OLD."clientId"; RETURN NEW', '1 message is unchanged'],
  ['drops what is inserted', 'INSERT', 'RETURN NULL', '1 message is not there'],
] as const)(
  'a migrate loses nothing of the archive to a trigger that %s',
  async ([, event, body, what], { database }) => {
    await loadFixture(database, 'crm-before')
    await database.query('DELETE FROM "ChatMessage" WHERE "id" > 20')
    await migrated(database)
    await database.load(`
    INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "guestUsername", "guestPhone", "idempotencyKey")
    VALUES (1, 'CLIENT', 'TEXT', 'linked', 'client1', '+1', 'key 1'), (NULL, 'CLIENT', 'TEXT', 'waiting', 'wanda', '+2', 'key 2'),
      (NULL, 'CLIENT', 'TEXT', 'of nobody', NULL, '+3', 'key 3')`)
    const before = await database.query(GUESTS)
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    await database.load(`
    CREATE FUNCTION "protect"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; END $$;
    CREATE TRIGGER "protect" BEFORE ${event} ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION "protect"()`)
    const { exitCode, stderr } = await on(database, 'migrate')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`${what}: a trigger keeps rows of`)])
    expect(stderr).toContain(`BEFORE ${event} trigger protect`)
    await database.query('DROP TRIGGER "protect" ON "ChatMessage"')
    const again = await on(database, 'migrate')
    expect(again.exitCode, again.stderr).toBe(0)
    expect(await database.query(GUESTS)).toEqual(before)
  },
)
