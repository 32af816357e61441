import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { createChatStore } from '../../../src/index.js'
import { startChatServer } from '../../../src/server/chat-server.js'
import { checksum, migrated, on, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, withDatabase, type TestDatabase } from '../../support/database.js'
import { SECRET } from '../../support/socket-chat.js'
import { manyLines, SHOP, transcriptLine, writeInput } from '../../support/transcript.js'
import { until } from '../../support/until.js'

/** Starts a server on the database for as long as the work lasts. */
const withServer = async (database: TestDatabase, work: (url: string) => Promise<void>): Promise<void> =>
  withStore(database, async (store) => {
    const server = await startChatServer({ store, port: 0, operatorSecret: SECRET, eventsPerSecond: 0 })
    try {
      await work(server.url)
    } finally {
      await server.close()
    }
  })

const countMessages = async (database: TestDatabase): Promise<number> =>
  (await database.query('SELECT FROM "ChatMessage"')).length

describe('through a server of its own', () => {
  test('every message arrives as from its writer: guests at their tokens, operators under their ids', async ({
    database,
  }) => {
    await migrated(database)
    await database.query(
      `INSERT INTO "User" ("updatedAt", "name", "username", "passwordHash") VALUES (now(), 'Lucía', 'lucia', '')`,
    )
    const { exitCode, stdout, stderr } = await on(database, 'replay', SHOP, '--through', 'socket')

    expect(stderr).toMatch(/^replaying .*shop\.ndjson into .*, through the socket\n(?:sending: .*\n)*$/)
    expect(stdout).toContain('ok: 14 messages attempted, 14 saved, 0 duplicates; nothing lost, doubled or unexpected')
    expect(exitCode).toBe(0)
    const rows = await database.query(
      `SELECT m."senderType", m."operatorId", m."guestUsername", m."text", c."username",
         m."sessionId" LIKE 'guest-%' AS "hasConversation", m."createdAt" > now() AT TIME ZONE 'UTC' - interval '1 h' AS "isNew"
       FROM "ChatMessage" m JOIN "Client" c ON c."id" = m."clientId"
       WHERE m."guestUsername" = 'Ole' ORDER BY m."id"`,
    )
    const ole = { guestUsername: 'Ole', username: 'Ole', hasConversation: true, isNew: true }
    expect(rows).toEqual([
      { ...ole, senderType: 'OPERATOR', operatorId: 1, text: 'Moin, hier ist Lucía. Wie kann ich helfen?' },
      { ...ole, senderType: 'CLIENT', operatorId: null, text: 'Mein Fahrradschloss klemmt 🚲🔒' },
      { ...ole, senderType: 'CLIENT', operatorId: null, text: 'Hallo?' },
      { ...ole, senderType: 'CLIENT', operatorId: null, text: 'Hallo?' },
    ])
  })

  test('a second run finds the same conversations and saves nothing', async ({ database }) => {
    await migrated(database)
    await on(database, 'replay', SHOP, '--through', 'socket')
    const before = await checksum(database, 'ChatMessage')
    const { exitCode, stdout } = await on(database, 'replay', SHOP, '--through', 'socket')
    expect(stdout).toContain('ok: 14 messages attempted, 0 saved, 14 duplicates')
    expect(exitCode).toBe(0)
    expect(await checksum(database, 'ChatMessage')).toEqual(before)
  })

  test('keeps the order of each conversation, with more guests than sockets stay open', async ({ database }) => {
    await migrated(database)
    const lines = Array.from({ length: 440 }, (_, index) =>
      transcriptLine({
        conversation: `c${index % 220}`,
        username: `u${index % 220}`,
        text: String(Math.floor(index / 220)),
      }),
    )
    const { stdout } = await on(database, 'replay', await writeInput(lines.join('\n')), '--through', 'socket')
    expect(stdout).toContain('ok: 440 messages attempted, 440 saved')
    const conversations = await database.query<{ texts: string[] }>(
      'SELECT array_agg("text" ORDER BY "id") AS "texts" FROM "ChatMessage" GROUP BY "sessionId"',
    )
    expect(conversations).toHaveLength(220)
    for (const { texts } of conversations) expect(texts).toEqual(['0', '1'])
  })

  test('lines are rejected for the same reasons as on the way through the store', async ({ database }) => {
    await migrated(database)
    const lines = [
      transcriptLine({ text: '' }),
      transcriptLine({ text: 'x'.repeat(33_554_433) }),
      transcriptLine({ username: ' ' }),
      transcriptLine({ text: 'x'.repeat(33_554_432) }),
    ]
    const { exitCode, stdout, stderr } = await on(
      database,
      ...['replay', await writeInput(lines.join('\n')), '--through', 'socket'],
    )
    expect(exitCode, stdout + stderr).toBe(1)
    expect(stdout).toContain(
      'rejected:\n  line 1: text is empty\n  line 2: text is larger than 33554432 bytes: it has 33554433\n  line 3: username is empty\n\n',
    )
    expect(stdout).toContain('1 saved, 0 duplicates; 3 rejected, 0 lost')
  })

  test('a message that is acknowledged and gone is found out', async ({ database }) => {
    await migrated(database)
    await database.load(`
      CREATE FUNCTION lie() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN DELETE FROM "ChatMessage" WHERE "id" = NEW."id"; RETURN NEW; END $$;
      CREATE TRIGGER lie AFTER INSERT ON "ChatMessage" FOR EACH ROW WHEN (NEW."text" = 'Hallo?') EXECUTE FUNCTION lie();`)
    const { exitCode, stdout } = await on(database, 'replay', SHOP, '--through', 'socket')
    expect(exitCode).toBe(1)
    expect(stdout).toContain('0 rejected, 2 lost, 0 doubled, 0 unexpected')
  })
})

describe('through a server that runs already', () => {
  test('everything arrives although the server restarts', async ({ database }) => {
    await migrated(database)
    const path = await writeInput(manyLines(600))
    const store = createChatStore({ databaseUrl: database.url })
    let server = await startChatServer({ store, port: 0, operatorSecret: SECRET, eventsPerSecond: 0 })
    const { url, port } = server
    try {
      const running = runChatkeep(
        ['replay', path, '--through', 'socket', '--url', url, '--database-url', database.url],
        {
          env: { CHATKEEP_OPERATOR_SECRET: SECRET },
        },
      )
      for (const least of [50, 200]) {
        await until(async () => (await countMessages(database)) > least, { what: `${least} messages are saved` })
        await server.close()
        server = await startChatServer({ store, port, operatorSecret: SECRET, eventsPerSecond: 0 })
      }
      const { exitCode, stdout, stderr } = await running
      expect(stdout, stderr).toContain('600 saved, 0 duplicates; nothing lost, doubled or unexpected')
      expect(exitCode).toBe(0)
    } finally {
      await server.close()
      await store.close()
    }
  })

  test.for<[string, Readonly<Record<string, string>>]>([
    ['no operator secret', {}],
    ['another operator secret', { CHATKEEP_OPERATOR_SECRET: 'not the one' }],
  ])('needs %s to be corrected', async ([, env], { database }) => {
    await migrated(database)
    await withServer(database, async (url) => {
      const argv = ['replay', SHOP, '--through', 'socket', '--url', url, '--database-url', database.url]
      const { exitCode, stderr } = await runChatkeep(argv, { env })
      expect(exitCode).toBe(1)
      expect(stderr).toContain('error: the chat server refused: the operator secret is missing or wrong')
      expect(stderr).toContain('hint: set CHATKEEP_OPERATOR_SECRET to its operator secret')
    })
  })

  test('is found to write to another database', async ({ database }) => {
    await migrated(database)
    await withDatabase(async (other) => {
      await migrated(other)
      await withServer(other, async (url) => {
        const path = await writeInput(transcriptLine())
        const { exitCode, stdout } = await on(database, 'replay', path, '--through', 'socket', '--url', url)
        expect(exitCode).toBe(1)
        expect(stdout).toContain('lost:\n  line 1: acknowledged, and not in the database\n')
        expect(stdout).toContain(`hint: check that the chat server at ${url} writes to this database, ${database.name}`)
      })
    })
  })

  test('is reported as unreachable', async ({ database }) => {
    await migrated(database)
    const { exitCode, stderr } = await on(
      database,
      ...['replay', SHOP, '--through', 'socket', '--url', 'http://127.0.0.1:1/chat'],
    )
    expect(exitCode).toBe(3)
    expect(stderr).toContain('the chat server at http://127.0.0.1:1/chat is unavailable: nothing listens there')
  })

  test('is said to be none when it accepts and says nothing', async ({ database }) => {
    await migrated(database)
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/chat`
    try {
      const { exitCode, stderr } = await on(database, 'replay', SHOP, '--through', 'socket', '--url', url)
      expect(exitCode).toBe(3)
      expect(stderr).toContain('is unavailable: it did not answer in time')
    } finally {
      silent.close()
    }
  })

  test('is refused when its URL is not one', async ({ database }) => {
    const { exitCode, stderr } = await on(database, 'replay', SHOP, '--through', 'socket', '--url', 'chat')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('"chat" is not a URL of a chat server')
  })
})
