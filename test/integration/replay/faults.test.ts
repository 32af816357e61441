import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { holdMessage, untilNoSession } from '../../support/held-message.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { manyLines, SHOP, transcriptLine, writeInput } from '../../support/transcript.js'
import { until } from '../../support/until.js'

/** Lets the database do something of its own with messages of one text. */
const whenInserted = (
  database: TestDatabase,
  when: 'BEFORE' | 'AFTER',
  text: string,
  statements: string,
): Promise<void> =>
  database.load(`
    CREATE FUNCTION lie() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      ${statements}
      RETURN NEW;
    END $$;
    CREATE TRIGGER lie ${when} INSERT ON "ChatMessage" FOR EACH ROW
      WHEN (NEW."text" = '${text}' AND pg_trigger_depth() = 0) EXECUTE FUNCTION lie();`)

const threeLines = (): Promise<string> =>
  writeInput(['one', 'two', 'three'].map((text) => transcriptLine({ text })).join('\n'))

describe('a database that lies is found out:', () => {
  test('a message that is acknowledged and gone', async ({ database }) => {
    await migrated(database)
    await whenInserted(database, 'AFTER', 'two', `DELETE FROM "ChatMessage" WHERE "id" = NEW."id";`)
    const { exitCode, stdout } = await on(database, 'replay', await threeLines())
    expect(exitCode).toBe(1)
    expect(stdout).toContain('lost:\n  line 2: acknowledged, and not in the database\n')
    expect(stdout).toContain(
      'FAIL: 3 messages attempted, 3 saved, 0 duplicates; 0 rejected, 1 lost, 0 doubled, 0 unexpe',
    )
  })

  test.for<[string, string, string]>([
    ['text', 'a text that was altered', `NEW."text" := 'Two';`],
    ['guestUsername', 'a name that was altered', `NEW."guestUsername" := 'Maria';`],
    ['senderType', 'a sender that was altered', `NEW."senderType" := 'OPERATOR';`],
    ['sessionId', 'a message in another conversation', `NEW."sessionId" := 'c2';`],
    ['createdAt', 'a time that was altered', `NEW."createdAt" := NEW."createdAt" + interval '1 ms';`],
  ])('%s: %s', async ([column, , statement], { database }) => {
    await migrated(database)
    await whenInserted(database, 'BEFORE', 'two', statement)
    const { exitCode, stdout } = await on(database, 'replay', await threeLines())
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(new RegExp(`altered:\n  line 2: message \\d+ differs from its line in ${column}\n`))
    expect(stdout).toContain('0 rejected, 0 lost, 0 doubled, 0 unexpected, 1 altered\n')
  })

  test.for<[string, string, string, RegExp]>([
    ['without a key', 'NULL', 'other', /unexpected:\n {2}message \d+ was written during the run .*, without a key\n/],
    ['under another key', `'made up'`, 'other', /unexpected:\n {2}message \d+ was .*, under a key that no line has\n/],
    [
      'that says the same',
      'NULL',
      'two',
      /doubled:\n {2}messages \d+, \d+: the same message again, under another key or none\n/,
    ],
  ])('a second row %s', async ([, key, text, finding], { database }) => {
    await migrated(database)
    await whenInserted(
      database,
      'AFTER',
      'two',
      `INSERT INTO "ChatMessage" ("sessionId", "senderType", "messageType", "text", "idempotencyKey")
       VALUES (NEW."sessionId", NEW."senderType", 'TEXT', '${text}', ${key}), ('another conversation', 'CLIENT', 'TEXT', 'x', NULL);`,
    )
    const { exitCode, stdout } = await on(database, 'replay', await threeLines())
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(finding)
    expect(stdout).toContain(text === 'two' ? '0 lost, 1 doubled, 0 unexpected' : '0 lost, 0 doubled, 1 unexpected')
  })

  test('a message that was altered since the last run', async ({ database }) => {
    await migrated(database)
    const path = await threeLines()
    await on(database, 'replay', path)
    await database.query(`UPDATE "ChatMessage" SET "text" = 'Two' WHERE "text" = 'two'`)
    const { exitCode, stdout } = await on(database, 'replay', path)
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(
      /rejected:\n {2}line 2: the idempotency key .* belongs to message \d+, which has another sender, content or conversation\n/,
    )
    expect(stdout).toMatch(/altered:\n {2}line 2: message \d+ differs from its line in text\n/)
    expect(stdout).toContain('0 saved, 2 duplicates; 1 rejected, 0 lost, 0 doubled, 0 unexpected, 1 altered\n')
  })
})

test('a message that was deleted since the last run comes back', async ({ database }) => {
  await migrated(database)
  const path = await threeLines()
  await on(database, 'replay', path)
  await database.query(`DELETE FROM "ChatMessage" WHERE "text" = 'two'`)
  const { exitCode, stdout } = await on(database, 'replay', path)
  expect(stdout).toContain('1 saved, 2 duplicates; nothing lost, doubled or unexpected')
  expect(exitCode).toBe(0)
})

const countMessages = async (database: TestDatabase): Promise<number> =>
  (await database.query('SELECT FROM "ChatMessage"')).length

describe('a connection', () => {
  test('may be cut again and again: all is there once', async ({ database }) => {
    await migrated(database)
    const path = await writeInput(manyLines(9_000))
    await withProxy(database.url, async ({ url, cut }) => {
      const running = runChatkeep(['replay', path, '--database-url', url])
      for (const least of [100, 2_100, 4_100, 6_100]) {
        await until(async () => (await countMessages(database)) > least, { what: `${least} messages are saved` })
        cut()
      }
      const { exitCode, stdout, stderr } = await running
      expect(stdout, stderr).toContain('9,000 saved, 0 duplicates; nothing lost, doubled or unexpected')
      expect(exitCode).toBe(0)
    })
    expect(await countMessages(database)).toBe(9_000)
  })

  // The run goes on trying for 10 s before it gives up.
  test('that is gone for good ends the run, which says how far it came', async ({ database }) => {
    await migrated(database)
    const path = await writeInput(manyLines(6_000))
    const held = await holdMessage(database, 'message 5000')
    await withProxy(database.url, async ({ url, close }) => {
      const running = runChatkeep(['replay', path, '--database-url', url])
      await held.reached()
      await close()
      const { exitCode, stderr } = await running
      expect(exitCode).toBe(3)
      expect(stderr).toContain('error: the database is unavailable')
      expect(stderr).toMatch(
        / {2}it reached line [\d,]+: [\d,]+ attempted, [\d,]+ saved, 0 duplicates, 0 rejected, [\d,]+ without an answer\n/,
      )
      expect(stderr).toMatch(
        /hint: check host and port, .*\nthen: run the same command again: nothing is stored twice\n/,
      )
    })
    await held.letGo()
    await untilNoSession(database, 'chatkeep replay')
    const saved = await countMessages(database)
    expect(saved).toBeGreaterThanOrEqual(4_000)
    const again = await on(database, 'replay', path, '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, saved: 6_000 - saved, duplicates: saved })
  })
})

test('a role that may not read "User" replays all the same, with operators unknown', async ({ database }) => {
  await migrated(database)
  await database.query(
    `INSERT INTO "User" ("updatedAt", "name", "username", "passwordHash") VALUES (now(), 'Lucía', 'lucia', '')`,
  )
  await withLimitedRole(database, async ({ name, url }) => {
    await database.query(`GRANT SELECT, INSERT ON "ChatMessage", "Client" TO ${name}`)
    await database.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${name}`)
    const { exitCode, stdout, stderr } = await runChatkeep(['replay', SHOP, '--database-url', url])
    expect(stdout, stderr).toContain('14 saved')
    expect(exitCode).toBe(0)
  })
  expect(await database.query('SELECT FROM "ChatMessage" WHERE "operatorId" IS NOT NULL')).toEqual([])
})

test('a role that may not write gets a named error at the first message', async ({ database }) => {
  await migrated(database)
  await withLimitedRole(database, async ({ name, url }) => {
    await database.query(`GRANT SELECT ON "ChatMessage", "Client" TO ${name}`)
    const { exitCode, stderr } = await runChatkeep(['replay', SHOP, '--database-url', url])
    expect(exitCode).toBe(3)
    expect(stderr).toContain('permission denied')
    expect(stderr).not.toContain('bug')
  })
})
