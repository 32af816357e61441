import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { MIGRATION_COUNT } from '../../support/migration-list.js'

test('a guest who writes between two looks of a rollback gets a client, and is not moved out', async ({ database }) => {
  await migrated(database, 'crm-before')
  // Linking the first guest lets another one write: after the guests to link were looked up, before those of nobody go.
  await database.load(`
    INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername") VALUES ('CLIENT', 'TEXT', 'x', 'early');
    INSERT INTO "ChatMessage" ("senderType", "messageType", "text") VALUES ('CLIENT', 'TEXT', 'of nobody');
    CREATE FUNCTION write_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM set_config('chatkeep.rolling_back', 'off', true);
      -- The name of the column in parts: a rollback refuses where a trigger has it in its text.
      EXECUTE 'INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guest' || 'Username") VALUES (''CLIENT'', ''TEXT'', ''x'', ''late'')';
      PERFORM set_config('chatkeep.rolling_back', 'on', true);
      RETURN NULL;
    END $$;
    CREATE TRIGGER write_late AFTER INSERT ON "Client" FOR EACH ROW WHEN (NEW."username" = 'early') EXECUTE FUNCTION write_late()`)
  const { exitCode, stdout, stderr } = await on(database, 'rollback', '--confirm', database.name)
  expect(exitCode, stderr).toBe(0)
  expect(stdout).toContain(', 1 of them moved out of the table whole')
  expect(
    await database.query(
      `SELECT c."username" FROM "ChatMessage" AS m JOIN "Client" AS c ON c."id" = m."clientId" WHERE m."text" = 'x' ORDER BY 1`,
    ),
  ).toEqual([{ username: 'early' }, { username: 'late' }])
})

test('of two migrates at once the one that waits finds nothing left to do', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  const argv = ['migrate', '--database-url', database.url]
  const [first, second] = await Promise.all([runChatkeep(argv), runChatkeep(argv)])
  expect([first.exitCode, second.exitCode], first.stderr + second.stderr).toEqual([0, 0])
  expect([first.stdout, second.stdout].toSorted()).toEqual([
    expect.stringContaining('nothing had to be done'),
    expect.stringContaining(`${MIGRATION_COUNT} migrations done`),
  ])
})
