import { on } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { casesOf } from '../../support/thorough.js'

/**
 * What many applications have: functions that name their tables, and what they call in a schema of extensions, without schema,
 * for rows and for changes of the schema.
 */
const TRIGGERS = `
  CREATE SCHEMA extensions;
  CREATE FUNCTION extensions.shout(text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)';
  CREATE TABLE audit ("what" text);
  CREATE FUNCTION note_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO audit VALUES (shout(TG_OP || ' ' || TG_TABLE_NAME));
    RETURN NULL;
  END $$;
  CREATE FUNCTION note_command() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO audit VALUES (shout(TG_TAG));
  END $$;
  CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION note_row();
  CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON "Client" FOR EACH ROW EXECUTE FUNCTION note_row();
  CREATE EVENT TRIGGER note_end ON ddl_command_end EXECUTE FUNCTION note_command();
  CREATE EVENT TRIGGER note_drop ON sql_drop EXECUTE FUNCTION note_command()`

const MESSAGES = `
  INSERT INTO "ChatMessage" ("guestUsername", "idempotencyKey", "senderType", "messageType")
  VALUES ('ana', 'key1', 'CLIENT', 'TEXT'), (NULL, 'key2', 'CLIENT', 'TEXT')`

test.for(
  casesOf<readonly [what: string, messages: string | undefined]>(
    [['with guests, keys and messages that leave the table', MESSAGES]],
    [['without anything to archive', undefined]],
  ),
)('triggers of the application find its tables, there and back, %s', async ([, messages], { database }) => {
  await loadFixture(database, 'crm-before')
  await database.query(`ALTER DATABASE "${database.name}" SET search_path = public, extensions`)
  await database.load(`SET search_path = public, extensions; ${TRIGGERS}`)
  const done = async (...argv: readonly string[]): Promise<void> => {
    const { exitCode, stdout, stderr } = await on(database, ...argv)
    expect(exitCode, `${argv.join(' ')}: ${stdout}${stderr}`).toBe(0)
  }
  await done('migrate')
  if (messages !== undefined) await database.load(messages)
  await done('rollback', '--confirm', database.name)
  await done('migrate')
  await done('verify')
})
